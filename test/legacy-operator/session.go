package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
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

// riddle can be answered by the one TPM that has the endorsement key.
type riddle struct {
	challenge wire.Challenge
	secret    []byte
}

// pose makes a riddle of what a machine says of itself, and the hash that it is known by.
func pose(authorization string) (hash string, made *riddle, err error) {
	if !strings.HasPrefix(authorization, wire.TPMPrefix) {
		return "", nil, errors.New("only machines with a TPM are served")
	}
	data, err := wire.ParseAuthorization(authorization)
	if err != nil {
		return "", nil, err
	}
	ek, err := wire.DecodeEK(data.EK)
	if err != nil {
		return "", nil, err
	}
	if hash, err = wire.HashEK(ek); err != nil {
		return "", nil, err
	}
	parameters := attest.ActivationParameters{TPMVersion: attest.TPMVersion20, EK: ek.Public, AK: *data.AK}
	secret, credential, err := parameters.Generate()
	if err != nil {
		return "", nil, err
	}
	return hash, &riddle{challenge: wire.Challenge{EC: credential}, secret: secret}, nil
}

// ask returns nil when the answer was right.
func (r *riddle) ask(connection *websocket.Conn) error {
	deadline := time.Now().Add(sessionTimeout)
	if err := errors.Join(connection.SetReadDeadline(deadline), connection.SetWriteDeadline(deadline)); err != nil {
		return err
	}
	message, err := connection.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	if err := errors.Join(json.NewEncoder(message).Encode(r.challenge), message.Close()); err != nil {
		return fmt.Errorf("sending the challenge: %w", err)
	}
	_, reader, err := connection.NextReader()
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	var answer wire.ChallengeResponse
	if err := json.NewDecoder(reader).Decode(&answer); err != nil {
		return fmt.Errorf("unmarshaling the answer: %w", err)
	}
	if !bytes.Equal(r.secret, answer.Secret) {
		return errors.New("invalid challenge response")
	}
	return nil
}
