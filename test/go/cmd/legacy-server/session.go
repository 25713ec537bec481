package main

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gorilla/websocket"

	"rancheros.local/test/go/internal/session"
	"rancheros.local/test/go/internal/wire"
)

// serveMachine makes the challenge before the upgrade, where a refusal can still be a 401, and sends what answer gives
// to the machine that opens it.
func (s *server) serveMachine(
	response http.ResponseWriter, request *http.Request, answer func(hash string) (any, error),
) error {
	hash, challenge, secret, err := s.challenge(request.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	connection, err := session.Upgrader.Upgrade(response, request, nil)
	if err != nil {
		return err
	}
	s.abandon(connection)
	if err := session.Begin(connection); err != nil {
		return err
	}
	if s.mode == "silent" {
		return waitForEnd(connection)
	}
	if err := s.prove(connection, challenge, secret); err != nil {
		return err
	}
	switch s.mode {
	case "dropped":
		return connection.Close()
	case "no-config":
		return waitForEnd(connection)
	}
	payload, err := answer(hash)
	if err != nil {
		return err
	}
	if s.mode == "nonsense-config" {
		err = connection.WriteMessage(websocket.BinaryMessage, []byte("cluster not assigned"))
	} else {
		err = session.WriteJSON(connection, payload)
	}
	// No close frame: the machine sees 1006.
	return errors.Join(err, connection.Close())
}

func (s *server) abandon(connection *websocket.Conn) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.abandoned = append(s.abandoned, connection)
}

func (s *server) challenge(authorization string) (hash string, challenge *wire.Challenge, secret []byte, err error) {
	machine, err := session.Introduced(authorization)
	if err != nil {
		return "", nil, nil, err
	}
	tell("introduced", map[string]any{"tpmHash": machine.Hash, "certificate": machine.HasCertificate})
	parameters := machine.Parameters
	if s.mode == "foreign-challenge" {
		foreign, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return "", nil, nil, err
		}
		parameters.EK = &foreign.PublicKey
	}
	secret, credential, err := parameters.Generate()
	return machine.Hash, &wire.Challenge{EC: credential}, secret, err
}

// prove returns when the machine has shown its secret. Where it has not, the connection stays open.
func (s *server) prove(connection *websocket.Conn, challenge *wire.Challenge, secret []byte) error {
	var err error
	if s.mode == "nonsense" {
		err = connection.WriteMessage(websocket.BinaryMessage, []byte("<html>It works!</html>"))
	} else {
		err = session.WriteJSON(connection, challenge)
	}
	if err != nil {
		return fmt.Errorf("sending the challenge: %w", err)
	}
	if err := session.CheckAnswer(connection, secret); err != nil {
		return err
	}
	if s.mode == "wrong-secret" {
		return session.ErrWrongSecret
	}
	return nil
}

// waitForEnd says nothing until the machine leaves or the deadline passes, and does not close the connection either.
func waitForEnd(connection *websocket.Conn) error {
	_, message, err := connection.NextReader()
	if err == nil {
		_, err = io.Copy(io.Discard, message)
	}
	tell("waited", map[string]any{"end": fmt.Sprint(err)})
	return nil
}
