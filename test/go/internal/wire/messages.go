// Package wire holds what the original programs send each other, written by Go's own JSON and base64.
package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-attestation/attest"
)

const (
	// TPMPrefix begins the Authorization header of a machine; no space stands between it and the base64.
	TPMPrefix = "Bearer TPM"
	// SMBIOSHeader carries base64 of the dmidecode tree as JSON.
	SMBIOSHeader = "X-Cattle-Smbios"
)

// AttestationData is how a machine introduces itself.
type AttestationData struct {
	// EK is PEM text.
	EK []byte
	AK *attest.AttestationParameters
}

// Challenge is the server's first message.
type Challenge struct {
	EC *attest.EncryptedCredential
}

// ChallengeResponse is the machine's answer to it.
type ChallengeResponse struct {
	Secret []byte
}

// Authorization gives the value of the header.
func Authorization(data *AttestationData) (string, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return "", err
	}
	return TPMPrefix + base64.StdEncoding.EncodeToString(text), nil
}

// ParseAuthorization is its counterpart.
func ParseAuthorization(header string) (*AttestationData, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, TPMPrefix))
	if err != nil {
		return nil, err
	}
	var data AttestationData
	if err := json.Unmarshal(text, &data); err != nil {
		return nil, err
	}
	if data.AK == nil {
		return nil, fmt.Errorf("no attestation key")
	}
	return &data, nil
}
