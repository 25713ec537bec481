package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gorilla/websocket"

	"rancheros.local/test/go/internal/session"
	"rancheros.local/test/go/internal/wire"
)

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
	machine, err := session.Introduced(authorization)
	if err != nil {
		return "", nil, err
	}
	secret, credential, err := machine.Parameters.Generate()
	if err != nil {
		return "", nil, err
	}
	return machine.Hash, &riddle{challenge: wire.Challenge{EC: credential}, secret: secret}, nil
}

// ask returns nil when the answer was right.
func (r *riddle) ask(connection *websocket.Conn) error {
	if err := session.Begin(connection); err != nil {
		return err
	}
	if err := session.WriteJSON(connection, r.challenge); err != nil {
		return fmt.Errorf("sending the challenge: %w", err)
	}
	return session.CheckAnswer(connection, r.secret)
}
