package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"rancheros.local/test/go/internal/wire"
)

const (
	handshakeTimeout = 45 * time.Second
	// challengeBuffer is filled by one read: a challenge that comes in pieces, or longer, is not understood.
	challengeBuffer = 512
)

func register(url string, o *options) ([]byte, error) {
	header := http.Header{}
	if o.smbios != "" {
		tree, err := os.ReadFile(o.smbios)
		if err != nil {
			return nil, err
		}
		header.Set(wire.SMBIOSHeader, base64.StdEncoding.EncodeToString(tree))
	}
	var ca []byte
	if o.ca != "" {
		var err error
		if ca, err = os.ReadFile(o.ca); err != nil {
			return nil, err
		}
	}
	return tpmGet(url, ca, header, o)
}

// tpmGet is one session: introduction, challenge, answer, payload. Nothing but the dialling has a deadline.
func tpmGet(url string, ca []byte, header http.Header, o *options) ([]byte, error) {
	hash, err := ekHash(o.tpm)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "Using TPMHash %s to dial %s\n", hash, url)
	machine, err := makeIdentity(o.tpm)
	if err != nil {
		return nil, err
	}
	header.Set("Authorization", machine.authorization)
	connection, err := dial(url, ca, header)
	if err != nil {
		return nil, err
	}
	defer connection.Close()

	if err := answerChallenge(connection, machine, o.tpm); err != nil {
		return nil, err
	}
	_, message, err := connection.NextReader()
	if err != nil {
		return nil, err
	}
	payload, err := io.ReadAll(message)
	if err == nil && o.showClose {
		_, _, end := connection.NextReader()
		fmt.Fprintf(os.Stderr, "end of session: %v\n", end)
	}
	return payload, err
}

func dial(url string, ca []byte, header http.Header) (*websocket.Conn, error) {
	dialer := websocket.DefaultDialer
	if len(ca) > 0 {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		dialer = &websocket.Dialer{
			Proxy:            http.ProxyFromEnvironment,
			HandshakeTimeout: handshakeTimeout,
			TLSClientConfig:  &tls.Config{RootCAs: pool},
		}
	}
	connection, response, err := dialer.Dial(strings.Replace(url, "http", "ws", 1), header)
	if err == nil {
		return connection, nil
	}
	// The text of any other refusal never reaches the person in front of the machine.
	if response != nil && response.StatusCode == http.StatusUnauthorized {
		if text, readErr := io.ReadAll(response.Body); readErr == nil {
			return nil, errors.New(string(text))
		}
	}
	return nil, err
}

func answerChallenge(connection *websocket.Conn, machine *identity, tpm string) error {
	_, message, err := connection.NextReader()
	if err != nil {
		return fmt.Errorf("reading the challenge: %w", err)
	}
	buffer := make([]byte, challengeBuffer)
	count, err := message.Read(buffer)
	if err != nil {
		return fmt.Errorf("reading the challenge: %w", err)
	}
	var challenge wire.Challenge
	if err := json.Unmarshal(buffer[:count], &challenge); err != nil {
		return fmt.Errorf("unmarshaling the challenge: %w", err)
	}
	if challenge.EC == nil {
		return errors.New("the challenge holds no credential")
	}
	secret, err := activate(tpm, machine.ak, challenge.EC)
	if err != nil {
		return err
	}
	answer, err := connection.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(answer).Encode(wire.ChallengeResponse{Secret: secret}); err != nil {
		return err
	}
	return answer.Close()
}
