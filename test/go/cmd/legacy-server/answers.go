package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
)

// inventory is what rancherd reads; Taints is declared and stays empty for ever.
type inventory struct {
	Role            string   `json:"role,omitempty"`
	NodeName        string   `json:"nodeName,omitempty"`
	Address         string   `json:"address,omitempty"`
	InternalAddress string   `json:"internalAddress,omitempty"`
	Taints          []string `json:"taints,omitempty"`
	Labels          []string `json:"labels,omitempty"`
	Token           string   `json:"token,omitempty"`
}

func (s *server) inventoryResponse() (*inventory, error) {
	var answer inventory
	if s.inventory == "" {
		return &answer, nil
	}
	text, err := os.ReadFile(s.inventory)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	answer.Labels, answer.Taints = append(answer.Labels, answer.Taints...), nil
	return &answer, nil
}

// serveCACerts signs the CA with the key that the machine names by its hash: the shared secret, or a known EK hash.
func (s *server) serveCACerts(response http.ResponseWriter, request *http.Request) error {
	var body []byte
	if s.ca != "" {
		var err error
		if body, err = os.ReadFile(s.ca); err != nil {
			return err
		}
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	id := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	nonce := request.Header.Get("X-Cattle-Nonce")
	if key := s.keyOf(id); key != "" && nonce != "" {
		mac := hmac.New(sha512.New, []byte(key))
		_, _ = io.WriteString(mac, nonce+"\x00"+string(body)+"\x00")
		response.Header().Set("X-Cattle-Hash", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	response.Header().Set("Content-Type", "text/plain")
	_, err := response.Write(body)
	return err
}

func (s *server) keyOf(id string) string {
	keys := []string{}
	if s.token != "" {
		keys = append(keys, s.token)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	for hash := range s.machines {
		keys = append(keys, hash)
	}
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		if base64.StdEncoding.EncodeToString(sum[:]) == id {
			return key
		}
	}
	return ""
}
