package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/go-attestation/attest"
	"github.com/gorilla/websocket"

	"rancheros.local/test/go/internal/wire"
)

const (
	upgradeTimeout = 5 * time.Second
	// sessionTimeout counts from the upgrade, for all reading and writing together.
	sessionTimeout = 10 * time.Second
)

var upgrader = websocket.Upgrader{
	HandshakeTimeout: upgradeTimeout,
	CheckOrigin:      func(*http.Request) bool { return true },
}

// serveMachine makes the challenge before the upgrade, where a refusal can still be a 401, and sends what answer gives
// to the machine that opens it.
func (s *server) serveMachine(
	response http.ResponseWriter, request *http.Request, answer func(hash string) (any, error),
) error {
	hash, challenge, secret, err := s.challenge(request.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	connection, err := upgrader.Upgrade(response, request, nil)
	if err != nil {
		return err
	}
	s.abandon(connection)
	deadline := time.Now().Add(sessionTimeout)
	if err := errors.Join(connection.SetReadDeadline(deadline), connection.SetWriteDeadline(deadline)); err != nil {
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
		err = writeJSON(connection, payload)
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
	data, err := wire.ParseAuthorization(authorization)
	if err != nil {
		return "", nil, nil, err
	}
	ek, err := wire.DecodeEK(data.EK)
	if err != nil {
		return "", nil, nil, err
	}
	if hash, err = wire.HashEK(ek); err != nil {
		return "", nil, nil, err
	}
	tell("introduced", map[string]any{"tpmHash": hash, "certificate": ek.Certificate != nil})
	parameters := attest.ActivationParameters{TPMVersion: attest.TPMVersion20, EK: ek.Public, AK: *data.AK}
	if s.mode == "foreign-challenge" {
		foreign, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return "", nil, nil, err
		}
		parameters.EK = &foreign.PublicKey
	}
	secret, credential, err := parameters.Generate()
	return hash, &wire.Challenge{EC: credential}, secret, err
}

// prove returns when the machine has shown its secret. Where it has not, the connection stays open.
func (s *server) prove(connection *websocket.Conn, challenge *wire.Challenge, secret []byte) error {
	var err error
	if s.mode == "nonsense" {
		err = connection.WriteMessage(websocket.BinaryMessage, []byte("<html>It works!</html>"))
	} else {
		err = writeJSON(connection, challenge)
	}
	if err != nil {
		return fmt.Errorf("sending the challenge: %w", err)
	}
	_, message, err := connection.NextReader()
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	var answer wire.ChallengeResponse
	if err := json.NewDecoder(message).Decode(&answer); err != nil {
		return fmt.Errorf("unmarshaling the answer: %w", err)
	}
	if s.mode == "wrong-secret" || !bytes.Equal(secret, answer.Secret) {
		return errors.New("invalid challenge response")
	}
	return nil
}

func writeJSON(connection *websocket.Conn, value any) error {
	message, err := connection.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(message).Encode(value), message.Close())
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
