// Prints what wrangler, by which rancherd reads and merges its configuration, makes of the cases on stdin:
// [{"name": ..., "layers": ["text of a file", ...]}] becomes the same with "merged", or "failed" for the number of the
// layer that wrangler cannot read. Layers are merged in their order, one after the other.
package main

import (
	"encoding/json"
	"os"

	"github.com/rancher/wrangler/pkg/data"
	"github.com/rancher/wrangler/pkg/yaml"
)

type testCase struct {
	Name   string                 `json:"name"`
	Layers []string               `json:"layers"`
	Merged map[string]interface{} `json:"merged,omitempty"`
	Failed *int                   `json:"failed,omitempty"`
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	for index := range cases {
		merged := map[string]interface{}{}
		for number, layer := range cases[index].Layers {
			// rancherd does not hand an empty file on either.
			if layer == "" {
				continue
			}
			values := map[string]interface{}{}
			if err := yaml.Unmarshal([]byte(layer), &values); err != nil {
				failed := number
				cases[index].Failed = &failed
				break
			}
			if inner, ok := values["rancherd"].(map[string]interface{}); ok {
				values = inner
			}
			merged = data.MergeMapsConcatSlice(merged, values)
		}
		if cases[index].Failed == nil {
			cases[index].Merged = merged
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(cases); err != nil {
		panic(err)
	}
}
