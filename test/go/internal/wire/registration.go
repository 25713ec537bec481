package wire

import (
	"encoding/base64"
	"encoding/json"
)

// ParseSMBIOS reads the SMBIOSHeader; nil where a machine sends none.
func ParseSMBIOS(header string) (map[string]any, error) {
	if header == "" {
		return nil, nil
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	return tree, json.Unmarshal(text, &tree)
}

// AddInstall writes into a registration's cloud-config what every machine gets on top of it.
func AddInstall(config map[string]any, serverURL string) {
	rancherd := childMap(config, "rancherd")
	rancherd["server"] = serverURL
	rancherd["token"] = "tpm://"
	childMap(childMap(config, "rancheros"), "install")["automatic"] = true
}

func childMap(parent map[string]any, key string) map[string]any {
	child, ok := parent[key].(map[string]any)
	if !ok {
		child = map[string]any{}
		parent[key] = child
	}
	return child
}
