package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// readFiles reads files in the order of their names: those with names as polaris://
// from the config center of the server, and all others from this machine. Faults in
// files go to problems; the error is the server's.
func (r remote) readFiles(names []string, problems *strict.Problems) ([]strict.File, error) {
	inCenter := func(name string) bool { return strings.HasPrefix(name, serverconfig.ConfigFileScheme) }
	files := readFiles(slices.DeleteFunc(slices.Clone(names), inCenter), problems)
	for _, name := range names {
		if !inCenter(name) {
			continue
		}
		if _, err := serverconfig.ParseConfigFile(name); err != nil {
			return nil, err
		}
		var saved struct{ Content string }
		if err := r.get("configfile", url.Values{"name": {name}}, &saved); err != nil {
			return nil, err
		}
		file := strict.File{Name: name, Data: []byte(saved.Content)}
		if err := strict.CheckText(file.Data); err != nil {
			problems.Add(strict.Problem{File: name, Message: err.Error()})
			continue
		}
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b strict.File) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(files, func(a, b strict.File) bool { return a.Name == b.Name }), nil
}
