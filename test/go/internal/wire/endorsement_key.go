package wire

import (
	"crypto/sha256"
	stdx509 "crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/google/certificate-transparency-go/x509"
	"github.com/google/go-attestation/attest"
)

const (
	certificateType = "CERTIFICATE"
	publicKeyType   = "PUBLIC KEY"
)

// EncodeEK gives PEM: the certificate as it was read where there is one, otherwise the bare key.
func EncodeEK(ek *attest.EK) ([]byte, error) {
	if ek.Certificate != nil {
		return pem.EncodeToMemory(&pem.Block{Type: certificateType, Bytes: ek.Certificate.Raw}), nil
	}
	der, err := stdx509.MarshalPKIXPublicKey(ek.Public)
	if err != nil {
		return nil, fmt.Errorf("marshaling the endorsement key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicKeyType, Bytes: der}), nil
}

// DecodeEK is its counterpart.
func DecodeEK(pemBytes []byte) (*attest.EK, error) {
	block, _ := pem.Decode(pemBytes)
	if block == nil {
		return nil, errors.New("invalid pemBytes")
	}
	switch block.Type {
	case certificateType:
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parsing the endorsement key certificate: %w", err)
		}
		return &attest.EK{Certificate: certificate, Public: certificate.PublicKey}, nil
	case publicKeyType:
		key, err := stdx509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parsing the endorsement key: %w", err)
		}
		return &attest.EK{Public: key}, nil
	default:
		return nil, fmt.Errorf("invalid pem type %s", block.Type)
	}
}

// HashEK gives the name by which a machine is known: hex SHA-256 of the key, re-encoded.
func HashEK(ek *attest.EK) (string, error) {
	der, err := stdx509.MarshalPKIXPublicKey(ek.Public)
	if err != nil {
		return "", fmt.Errorf("marshaling the endorsement key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
