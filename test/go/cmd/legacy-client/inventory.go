package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// remoteConfig is what rancherd does at boot when it knows a server and a token, but no role.
func remoteConfig(server string, o *options) ([]byte, error) {
	body, err := machineGet(server, o)
	if err != nil {
		return nil, fmt.Errorf("from machine inventory: %w", err)
	}
	var config map[string]any
	if err := json.Unmarshal(body, &config); err != nil {
		return nil, fmt.Errorf("inventory response: %s: %w", body, err)
	}
	return body, nil
}

func machineGet(server string, o *options) ([]byte, error) {
	ca, err := fetchCA(server, o)
	if err != nil {
		return nil, err
	}
	address := server + "/v1-rancheros/inventory"
	if strings.HasPrefix(o.token, tpmToken) {
		return tpmGet(address, ca, http.Header{}, o)
	}
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(o.token)))
	response, err := clientFor(ca).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", body, response.Status)
	}
	return body, err
}

func clientFor(ca []byte) *http.Client {
	if len(ca) == 0 {
		return http.DefaultClient
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{
		Timeout:   requestTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
	}
}
