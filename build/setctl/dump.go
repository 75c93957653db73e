package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// newDump returns the command `setctl dump`.
func newDump(out *output) *cobra.Command {
	var server remote
	var dir, service string
	cmd := &cobra.Command{
		Use:   "dump [--dir DIR] [--service ns/name]",
		Short: "services and instances of a running server, in the form that test reads",
		Long: "Dump prints a case file without tests. With --dir it writes it there as dump.yaml,\n" +
			"beside the mapping and routing files in force: all that plan --dump and test need.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if service != "" {
				if _, err := parseService(service); err != nil {
					return err
				}
			}
			var d world.Dump
			if err := server.get("dump", url.Values{}, &d); err != nil {
				return err
			}
			if service != "" {
				d.Instances = slices.DeleteFunc(d.Instances, func(i world.Instance) bool { return i.Service.String() != service })
				if len(d.Instances) == 0 && !slices.ContainsFunc(d.Services, func(s world.Service) bool { return s.Service().String() == service }) {
					return failure{fmt.Errorf("the server has no service %q", service)}
				}
			}
			if dir != "" {
				return writeDump(dir, d)
			}
			if out.format == "json" {
				return out.write(cmd.OutOrStdout(), d, nil)
			}
			return cases.Write(cmd.OutOrStdout(), d, nil, nil)
		},
	}
	addServerFlags(cmd, &server)
	cmd.Flags().StringVar(&dir, "dir", "", "a directory to write to, made if it is not there")
	cmd.Flags().StringVar(&service, "service", "", "only instances of this service, as namespace/name")
	return cmd
}

// writeDump writes dump.yaml, and the mapping and routing files, into a directory.
func writeDump(dir string, d world.Dump) error {
	names := map[string][]string{}
	for kind, texts := range map[string][]world.Text{"mapping": d.Mapping, "routing": d.Routing} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o755); err != nil {
			return failure{err}
		}
		for n, text := range texts {
			// The server's names are paths on its own machine.
			name := filepath.Join(kind, fmt.Sprintf("%02d-%s", n+1, filepath.Base(text.Name)))
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text.Content), 0o644); err != nil {
				return failure{err}
			}
			names[kind] = append(names[kind], name)
		}
	}
	f, err := os.Create(filepath.Join(dir, "dump.yaml"))
	if err != nil {
		return failure{err}
	}
	defer f.Close()
	if err := cases.Write(f, d, names["mapping"], names["routing"]); err != nil {
		return failure{err}
	}
	return f.Close()
}
