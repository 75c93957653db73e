package main

import (
	"errors"
	"fmt"
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

// maxDescription is the most characters of a release's description that the stock
// store surely takes.
const maxDescription = 255

// center is what an evacuation needs if its file is in the config center.
type center struct {
	token   string // of a Polaris user
	draftTo string
	file    release.Saved
	tag     string // of the release that was published
}

// addFlags adds the flags to the command.
func (c *center) addFlags(cmd *cobra.Command) {
	c.addToken(cmd)
	cmd.Flags().StringVar(&c.draftTo, "draft-to", "", "in the config center, a new local file for what is saved there and not published, which this replaces")
}

// addToken adds the flag for the token of a Polaris user.
func (c *center) addToken(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.token, "polaris-token", "", "in the config center, the Polaris token of a user who may publish there; better in the environment variable SETROUTER_POLARIS_TOKEN")
}

// inCenter reports whether the file is in the config center.
func (e *evacuateCommand) inCenter() bool {
	return strings.HasPrefix(e.file, serverconfig.ConfigFileScheme)
}

// findFile fills in the name of the file if --file is not given: the file of the config
// center that the server has for evacuations, or the one that has the evacuation to end.
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
	if e.end != "" {
		return e.findEvacuation(s)
	}
	var all, inCenter, alone []string
	for _, f := range s.Files {
		if f.Kind == api.KindRouting {
			all = f.Names
		}
	}
	for _, name := range all {
		if !strings.HasPrefix(name, serverconfig.ConfigFileScheme) {
			continue
		}
		inCenter = append(inCenter, name)
		var saved release.Saved
		if err := e.server.get("configfile", url.Values{"name": {name}}, &saved); err != nil {
			return err
		}
		if saved.Released != nil && isAlone(strict.File{Name: name, Data: []byte(saved.Released.Content)}) {
			alone = append(alone, name)
		}
	}
	return e.choose(all, inCenter, alone)
}

// findEvacuation fills in the file that has the evacuation to end.
func (e *evacuateCommand) findEvacuation(s api.Status) error {
	for _, other := range s.Evacuations {
		switch {
		case other.ID != e.end:
		case !strings.HasPrefix(other.File, serverconfig.ConfigFileScheme):
			return failure{fmt.Errorf("evacuation %s is in %s, a file on the machine of the server at %s: end it there, with --file", e.end, other.File, e.server.url)}
		default:
			e.file = other.File
			return nil
		}
	}
	return failure{fmt.Errorf("the server at %s has no evacuation %q, see setctl status", e.server.url, e.end)}
}

// choose fills in the file for evacuations among the routing files of the server: those
// alone have evacuations and nothing else.
func (e *evacuateCommand) choose(all, inCenter, alone []string) error {
	switch {
	case len(all) == 0:
		return failure{fmt.Errorf("the server at %s has no routing file in force, see setctl status", e.server.url)}
	case len(inCenter) == 0:
		return failure{fmt.Errorf("the server at %s has no routing file from the config center in force; give --file, on the server it is one of: %s", e.server.url, strings.Join(all, " "))}
	case len(alone) == 0:
		return failure{fmt.Errorf("the server at %s has no file in the config center that has evacuations and nothing else: who publishes rules anew would end an evacuation beside them; %s", e.server.url, centerHint(inCenter[0]))}
	case len(alone) > 1:
		return failure{fmt.Errorf("the server at %s has several files for evacuations in the config center, give one as --file: %s", e.server.url, strings.Join(alone, " "))}
	}
	e.file = alone[0]
	return nil
}

// read returns the file as it is in force: from the config center it returns the
// released text, and not the saved one.
func (e *evacuateCommand) read(problems *strict.Problems) (strict.File, error) {
	if !e.inCenter() {
		file, ok := strict.ReadFile(e.file, problems)
		if !ok {
			return file, problems.Err()
		}
		return file, nil
	}
	file := &e.center.file
	if err := e.server.get("configfile", url.Values{"name": {e.file}}, file); err != nil {
		return strict.File{}, err
	}
	switch {
	case file.Released == nil:
		return strict.File{}, failure{fmt.Errorf("%s: nothing is published under this name; publish it: setctl publish FILE --to %[1]s", e.file)}
	case file.Gray != nil:
		return strict.File{}, failure{fmt.Errorf("%s: the gray release %q is active, and Polaris publishes nothing beside one: end it first: setctl publish --to %[1]s --stop-gray", e.file, file.Gray.Name)}
	case file.Draft && e.center.draftTo == "":
		return strict.File{}, failure{fmt.Errorf("%s: what is saved in the console is not published, and this would replace it: publish it there, or keep it in a local file with --draft-to FILE", e.file)}
	}
	return strict.File{Name: e.file, Data: []byte(file.Released.Content)}, nil
}

// write puts the edited text in the place of the file: on this machine, or in the
// config center as a new release.
func (e *evacuateCommand) write() error {
	if !e.inCenter() {
		return replaceFile(e.file, e.edited)
	}
	edit := release.Edit{
		Base: e.center.file.Released.Md5, Content: e.edited, Description: "evacuate: " + entryText(e.entry),
		// Names of releases are unique: under a name that exists, the config center would put the content of that release in force again.
		Release: fmt.Sprintf("setrouter-evacuate-%s-%d", e.entry.ID(), time.Now().Unix()),
	}
	if e.end != "" {
		edit.Description = "end of " + edit.Description
	}
	edit.Description = cut(edit.Description, maxDescription)
	if e.center.file.Draft {
		edit.Draft = e.center.file.Md5
		if err := keepDraft(e.center.draftTo, e.center.file.Content); err != nil {
			return fmt.Errorf("the draft cannot be kept, nothing was published: %w", err)
		}
	}
	var published release.Published
	if err := e.server.post(e.center, "configfile", e.file, edit, &published); err != nil || published.Tag == "" {
		return err
	}
	e.center.tag = published.Tag
	return nil
}

// keepDraft writes a text into a new file. It is an error if the file exists.
func keepDraft(name, text string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
