// Package session is the server's end of a conversation with a machine that has a TPM, as the original holds it.
package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// Upgrader takes machines from wherever they come.
var Upgrader = websocket.Upgrader{
	HandshakeTimeout: upgradeTimeout,
	CheckOrigin:      func(*http.Request) bool { return true },
}

// Introduction is what a machine says of itself.
type Introduction struct {
	// Hash is what it is known by.
	Hash           string
	HasCertificate bool
	// Parameters are what a challenge for it is made of.
	Parameters attest.ActivationParameters
}

// Introduced reads the Authorization header.
func Introduced(authorization string) (*Introduction, error) {
	data, err := wire.ParseAuthorization(authorization)
	if err != nil {
		return nil, err
	}
	ek, err := wire.DecodeEK(data.EK)
	if err != nil {
		return nil, err
	}
	hash, err := wire.HashEK(ek)
	if err != nil {
		return nil, err
	}
	return &Introduction{
		Hash:           hash,
		HasCertificate: ek.Certificate != nil,
		Parameters:     attest.ActivationParameters{TPMVersion: attest.TPMVersion20, EK: ek.Public, AK: *data.AK},
	}, nil
}

// Begin sets the end of a session that has just been upgraded.
func Begin(connection *websocket.Conn) error {
	deadline := time.Now().Add(sessionTimeout)
	return errors.Join(connection.SetReadDeadline(deadline), connection.SetWriteDeadline(deadline))
}

// WriteJSON sends one message, as Go's encoder writes it.
func WriteJSON(connection *websocket.Conn, value any) error {
	message, err := connection.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(message).Encode(value), message.Close())
}

// CheckAnswer reads what a machine makes of its challenge, and returns nil where that is the secret.
func CheckAnswer(connection *websocket.Conn, secret []byte) error {
	_, message, err := connection.NextReader()
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	var answer wire.ChallengeResponse
	if err := json.NewDecoder(message).Decode(&answer); err != nil {
		return fmt.Errorf("unmarshaling the answer: %w", err)
	}
	if !bytes.Equal(secret, answer.Secret) {
		return ErrWrongSecret
	}
	return nil
}

// ErrWrongSecret is what the original says of an answer that is not the secret.
var ErrWrongSecret = errors.New("invalid challenge response")
