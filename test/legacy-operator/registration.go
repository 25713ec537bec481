package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"rancheros.local/test/go/internal/session"
	"rancheros.local/test/go/internal/wire"
)

// registrar is the original's registration endpoint, for machines with a TPM.
type registrar struct {
	cluster   *cluster
	serverURL string
}

func (r *registrar) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	admitted, err := r.admit(request)
	if err != nil {
		http.Error(response, err.Error(), http.StatusUnauthorized)
		return
	}
	connection, err := session.Upgrader.Upgrade(response, request, nil)
	if err != nil {
		// The upgrader has answered.
		return
	}
	// No close frame: machines of the original see 1006.
	defer connection.Close()
	if err := r.register(request.Context(), connection, admitted); err != nil {
		fmt.Fprintf(os.Stderr, "legacy-operator: %v\n", err)
	}
}

// visitor is a machine that was let in, and has still to show that the key which it names is its own.
type visitor struct {
	inventory *machineInventory
	config    []byte
	riddle    *riddle
}

// admit does all that can be refused with a status: the original makes the challenge before the upgrade, too.
func (r *registrar) admit(request *http.Request) (*visitor, error) {
	if !strings.Contains(request.URL.Path, "/registration/") {
		return nil, errors.New("only registrations are served")
	}
	smbios, err := wire.ParseSMBIOS(request.Header.Get(wire.SMBIOSHeader))
	if err != nil {
		return nil, err
	}
	registration, err := r.cluster.registration(path.Base(request.URL.Path))
	if err != nil {
		return nil, err
	}
	config, err := r.installConfig(registration)
	if err != nil {
		return nil, err
	}
	hash, riddle, err := pose(request.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	return &visitor{inventory: newInventory(registration, hash, smbios), config: config, riddle: riddle}, nil
}

func (r *registrar) register(ctx context.Context, connection *websocket.Conn, visitor *visitor) error {
	if err := visitor.riddle.ask(connection); err != nil {
		return err
	}
	if err := r.cluster.keep(ctx, visitor.inventory); err != nil {
		return fmt.Errorf("storing the inventory: %w", err)
	}
	return connection.WriteMessage(websocket.BinaryMessage, visitor.config)
}

func newInventory(registration *machineRegistration, hash string, smbios map[string]any) *machineInventory {
	return &machineInventory{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: machineName(registration.Spec.MachineName, smbios),
			Namespace:    registration.Namespace,
			Labels:       maps.Clone(registration.Spec.MachineInventoryLabels),
			Annotations:  maps.Clone(registration.Spec.MachineInventoryAnnotations),
		},
		Spec: inventorySpec{TPM: hash, SMBIOS: smbios},
	}
}

// installConfig is the registration's cloud-config and what every machine gets on top of it. The original writes into the
// maps that all its requests share, and dies of it; here each request has its own.
func (r *registrar) installConfig(registration *machineRegistration) ([]byte, error) {
	config := runtime.DeepCopyJSON(registration.Spec.CloudConfig)
	if config == nil {
		config = map[string]any{}
	}
	wire.AddInstall(config, r.serverURL)
	return json.Marshal(config)
}
