// Signs an image with every kind of key, by the library that cosign signs with: payloads below a tag, and envelopes.
// vectors.json is what it printed; keys are made for that and forgotten.
//
// usage: go run . registry.example.com/os/rancher@sha256:f54677fd93f5804e59c3d5f47b1efcbc61f6a59b817161c26ac400665a6de280 >vectors.json
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

type vector struct {
	Key       string          `json:"key"`
	PublicKey string          `json:"publicKey"`
	Payload   string          `json:"payload"`
	Signature []byte          `json:"signature"`
	Envelope  json.RawMessage `json:"envelope"`
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func sign(kind string, image name.Digest, private crypto.Signer, loading ...signature.LoadOption) vector {
	signer := must(signature.LoadDefaultSignerVerifier(private, loading...))
	text := must(payload.Cosign{Image: image, Annotations: map[string]interface{}{"build": "7"}}.MarshalJSON())
	signed := must(signer.SignMessage(bytes.NewReader(text)))
	digest := image.DigestStr()[len("sha256:"):]
	statement := must(json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{map[string]any{"digest": map[string]string{"sha256": digest}}},
		"predicateType": "https://sigstore.dev/cosign/sign/v1",
		"predicate":     map[string]any{},
	}))
	wrapped := dsse.WrapSigner(signer, "application/vnd.in-toto+json")
	envelope := must(wrapped.SignMessage(bytes.NewReader(statement)))
	der := must(x509.MarshalPKIXPublicKey(private.Public()))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return vector{Key: kind, PublicKey: string(public), Payload: string(text), Signature: signed, Envelope: envelope}
}

func main() {
	image := must(name.NewDigest(os.Args[1]))
	curve := func(curve elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(curve, rand.Reader)) }
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	vectors := []vector{
		sign("P-256", image, curve(elliptic.P256())),
		sign("P-384", image, curve(elliptic.P384())),
		sign("P-521", image, curve(elliptic.P521())),
		sign("RSA-2048", image, must(rsa.GenerateKey(rand.Reader, 2048))),
		sign("RSA-3072", image, must(rsa.GenerateKey(rand.Reader, 3072))),
		sign("Ed25519", image, edwards),
		sign("Ed25519ph", image, edwards, options.WithED25519ph()),
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{"image": os.Args[1], "vectors": vectors}); err != nil {
		log.Fatal(err)
	}
}
