package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"rancheros.local/test/go/internal/wire"
)

type server struct {
	*options
	url string

	lock sync.Mutex
	// machines holds what each sent of its SMBIOS when it came first, by EK hash.
	machines map[string]map[string]any
	// abandoned keeps connections that the original forgets: the garbage collector would close them at some moment.
	abandoned []*websocket.Conn
}

func newServer(o *options, url string) *server {
	return &server{options: o, url: url, machines: map[string]map[string]any{}}
}

// ServeHTTP finds its way like the original: by parts of the path, and the inventory is what is left.
func (s *server) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	var err error
	switch {
	case strings.Contains(request.URL.Path, "/registration/"):
		err = s.serveRegistration(response, request)
	case strings.HasSuffix(request.URL.Path, "/cacerts"):
		err = s.serveCACerts(response, request)
	default:
		err = s.serveInventory(response, request)
	}
	if err != nil {
		tell("refused", map[string]any{"path": request.URL.Path, "error": err.Error()})
		// Into the void when the connection is a websocket by now.
		http.Error(response, err.Error(), http.StatusUnauthorized)
	}
}

func (s *server) serveRegistration(response http.ResponseWriter, request *http.Request) error {
	if path.Base(request.URL.Path) != s.registration {
		return errors.New("MachineRegistration does not exist")
	}
	if !hasTPM(request) {
		text := "#cloud-config\nrancheros:\n    install:\n        registrationURL: " + s.url + request.URL.Path + "\n"
		_, err := io.WriteString(response, text)
		return err
	}
	tree, err := wire.ParseSMBIOS(request.Header.Get(wire.SMBIOSHeader))
	if err != nil {
		return err
	}
	config, err := s.installConfig()
	if err != nil {
		return err
	}
	return s.serveMachine(response, request, func(hash string) (any, error) {
		s.lock.Lock()
		defer s.lock.Unlock()
		if _, known := s.machines[hash]; !known {
			s.machines[hash] = tree
		}
		tell("registered", map[string]any{"tpmHash": hash, "smbios": tree})
		return config, nil
	})
}

func (s *server) serveInventory(response http.ResponseWriter, request *http.Request) error {
	inventory, err := s.inventoryResponse()
	if err != nil {
		return err
	}
	if hasTPM(request) {
		return s.serveMachine(response, request, func(hash string) (any, error) {
			s.lock.Lock()
			defer s.lock.Unlock()
			if _, known := s.machines[hash]; !known {
				return nil, errors.New("machine not found")
			}
			return inventory, nil
		})
	}
	bearer := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	if bearer == "" {
		return errors.New("Unauthorized")
	}
	if secret, err := base64.StdEncoding.DecodeString(bearer); err != nil || s.token == "" || string(secret) != s.token {
		return errors.New("token not found")
	}
	return json.NewEncoder(response).Encode(inventory)
}

func hasTPM(request *http.Request) bool {
	return strings.HasPrefix(request.Header.Get("Authorization"), wire.TPMPrefix)
}

// installConfig is the registration's cloud-config and what every machine gets on top of it.
func (s *server) installConfig() (map[string]any, error) {
	config := map[string]any{}
	if s.config != "" {
		text, err := os.ReadFile(s.config)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &config); err != nil {
			return nil, err
		}
	}
	wire.AddInstall(config, s.url)
	return config, nil
}
