package main

import (
	"regexp"
	"strings"
)

const (
	defaultTemplate = "m-${System Information/Manufacturer}-${System Information/Product Name}-" +
		"${System Information/Serial Number}-"
	// nameLimit leaves room for the five characters that the API server appends.
	nameLimit = 58
)

var (
	placeholders = regexp.MustCompile(`\$\{[^}]*\}`)
	unfit        = regexp.MustCompile(`[^0-9A-Za-z]+`)
	letterFirst  = regexp.MustCompile(`^[A-Za-z]`)
)

// machineName fills a registration's template with what the machine's SMBIOS says; what it does not say is left out.
func machineName(template string, smbios map[string]any) string {
	if template == "" {
		template = defaultTemplate
	}
	filled := placeholders.ReplaceAllStringFunc(template, func(placeholder string) string {
		return textAt(smbios, strings.Split(placeholder[2:len(placeholder)-1], "/"))
	})
	name := unfit.ReplaceAllString(filled, "-")
	if !letterFirst.MatchString(name) {
		name = "m" + name
	}
	return strings.ToLower(name[:min(len(name), nameLimit)])
}

func textAt(tree map[string]any, keys []string) string {
	var found any = tree
	for _, key := range keys {
		branch, _ := found.(map[string]any)
		found = branch[key]
	}
	text, _ := found.(string)
	return text
}
