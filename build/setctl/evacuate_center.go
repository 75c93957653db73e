package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// maxDescription is how much of a release's description the stock store takes, in
// characters, with room to spare.
const maxDescription = 255

// center is what an evacuation in the config center needs besides.
type center struct {
	token   string // of Polaris
	draftTo string
	file    release.Saved
}

func (c *center) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.token, "polaris-token", "", "in the config center, the Polaris token of a user who may publish there; better in the environment variable SETROUTER_POLARIS_TOKEN")
	cmd.Flags().StringVar(&c.draftTo, "draft-to", "", "in the config center, a new local file for what is saved there and not published, which this replaces")
}

func (e *evacuateCommand) inCenter() bool {
	return strings.HasPrefix(e.file, serverconfig.ConfigFileScheme)
}

// findFile fills in the file: the one routing file that the server has from the
// config center.
func (e *evacuateCommand) findFile() error {
	if e.inCenter() {
		_, err := serverconfig.ParseConfigFile(e.file)
		return err
	}
	if e.file != "" {
		return nil
	}
	var s api.Status
	if err := e.server.get("status", nil, &s); err != nil {
		return err
	}
	var all, there []string
	for _, f := range s.Files {
		if f.Kind != "routing" {
			continue
		}
		all = f.Names
		for _, name := range f.Names {
			if strings.HasPrefix(name, serverconfig.ConfigFileScheme) {
				there = append(there, name)
			}
		}
	}
	switch {
	case len(all) == 0:
		return failure{fmt.Errorf("the server at %s has no routing file in force, see setctl status", e.server.url)}
	case len(there) == 0:
		return failure{fmt.Errorf("the server at %s has no routing file from the config center in force; give --file, on the server it is one of: %s", e.server.url, strings.Join(all, " "))}
	case len(there) == 1:
		e.file = there[0]
		return nil
	}
	return failure{fmt.Errorf("the server at %s has several routing files from the config center, give one as --file: %s", e.server.url, strings.Join(there, " "))}
}

// read returns the file as it is in force where it lives: in the config center
// that is what is released, not what is saved.
func (e *evacuateCommand) read(problems *strict.Problems) (strict.File, error) {
	if !e.inCenter() {
		file, ok := strict.ReadFile(e.file, problems)
		if !ok {
			return file, problems.Err()
		}
		return file, nil
	}
	is := &e.center.file
	if err := e.server.get("configfile", url.Values{"name": {e.file}}, is); err != nil {
		return strict.File{}, err
	}
	switch {
	case is.Released == nil:
		return strict.File{}, failure{fmt.Errorf("%s: nothing is published under this name; publish it in the console", e.file)}
	case is.Gray != nil:
		return strict.File{}, failure{fmt.Errorf("%s: the gray release %q is active, and Polaris publishes nothing beside one: stop it in the console first", e.file, is.Gray.Name)}
	case is.Draft && e.center.draftTo == "":
		return strict.File{}, failure{fmt.Errorf("%s: what is saved in the console is not published, and this would replace it: publish it there, or keep it in a local file with --draft-to FILE", e.file)}
	}
	return strict.File{Name: e.file, Data: []byte(is.Released.Content)}, nil
}

// write puts the edited text where the file lives.
func (e *evacuateCommand) write() error {
	if !e.inCenter() {
		return replaceFile(e.file, e.edited)
	}
	edit := release.Edit{
		Base: e.center.file.Released.Md5, Content: e.edited, Description: "evacuate: " + entryText(e.entry),
		// No two have the same name: the config center would put the first one's content in force again.
		Release: fmt.Sprintf("setrouter-evacuate-%s-%d", e.entry.ID(), time.Now().Unix()),
	}
	if e.end != "" {
		edit.Description = "end of " + edit.Description
	}
	if text := []rune(edit.Description); len(text) > maxDescription {
		edit.Description = string(text[:maxDescription])
	}
	if e.center.file.Draft {
		edit.Draft = e.center.file.Md5
		if err := keepDraft(e.center.draftTo, e.center.file.Content); err != nil {
			return fmt.Errorf("the draft cannot be kept, nothing was published: %w", err)
		}
	}
	body, err := json.Marshal(edit)
	if err != nil {
		return err
	}
	req, err := e.server.request(http.MethodPost, "configfile", url.Values{"name": {e.file}}, bytes.NewReader(body))
	if err != nil {
		return err
	}
	token := e.center.token
	if token == "" {
		token = os.Getenv("SETROUTER_POLARIS_TOKEN")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-polaris-token", token)
	err = e.server.send(req, new(json.RawMessage))
	if fault, is := errors.AsType[refusal](err); is && fault.status == http.StatusForbidden {
		err = fmt.Errorf("%w; setctl sends that of SETROUTER_POLARIS_TOKEN or --polaris-token", err)
	}
	return err
}

// keepDraft writes a file that is not there yet.
func keepDraft(name, text string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
