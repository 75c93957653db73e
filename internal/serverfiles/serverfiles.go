// Package serverfiles opens the mapping files and the routing files that the
// server's configuration names: files on disk, files in the config center, and files
// over HTTP. Each load is counted and logged.
package serverfiles

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/httpfiles"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/shrink"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Options say which files to open, and what to make of them.
type Options[T any] struct {
	Kind   string   // mapping or routing
	Names  []string // as in the configuration: globs, and names in the config center
	Others []string // names of the files of other kinds
	HTTP   serverconfig.HTTP
	Load   func(files []strict.File) (value *T, count int, err error)
	// Losses returns what a reload would lose of the value in force; nil refuses
	// nothing.
	Losses func(inForce, next *T) shrink.Losses
	// ShrinkGuardPercent is how much a reload may lose without force.
	ShrinkGuardPercent int
	// OnLoad is called after each load, with the value in force then; nil is fine.
	OnLoad func(value *T)
}

// Files keeps a value in step with files, see livefile.Live. It is safe for
// concurrent use.
type Files[T any] struct {
	*livefile.Live[T]
	center *configcenter.Source // nil: no file is in the config center
	http   *httpfiles.Source    // nil: no file is fetched over HTTP
}

// Status says what is in force, and how the last load went.
type Status struct {
	livefile.Status
	// Releases has the releases in the config center that are in force on this
	// node, in the order of their files.
	Releases []release.Release
	// Fetches says how far each address was fetched.
	Fetches []httpfiles.Fetch
}

// Handle is a Files without its type.
type Handle interface {
	Status() Status
	Files() []strict.File
	Reload(force bool) error
}

// Open loads the files. Where some are in the config center, the value of no files is
// in force until the server's caches are warm. Run must be called for the files to be
// watched. Nobody is told of a new value: requests take the value in force, and see
// that it is another one (package view).
func Open[T any](options Options[T]) (*Files[T], error) {
	f := &Files[T]{}
	var globs, inCenter []string
	for _, name := range options.Names {
		if strings.HasPrefix(name, serverconfig.ConfigFileScheme) {
			inCenter = append(inCenter, name)
		} else {
			globs = append(globs, name)
		}
	}
	var sources []livefile.Source
	if len(inCenter) > 0 {
		f.center = configcenter.Local.Source(options.Kind, inCenter)
		sources = append(sources, f.center)
	}
	if options.HTTP.Used() {
		source, err := httpfiles.New(options.Kind, options.HTTP)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", options.Kind, err)
		}
		f.http = source
		sources = append(sources, source)
	}
	observe.Register()
	live, err := livefile.Open(livefile.Options[T]{
		Globs: globs, Others: options.Others, Sources: sources, Load: options.Load,
		Guard:     options.guard,
		OnWarning: func(w strict.Problem) { observe.Log.Warn("[SetRouter] " + options.Kind + " files: " + w.String()) },
		OnLoad: func(value *T, status livefile.Status) {
			f.report(options.Kind, status)
			if options.OnLoad != nil {
				options.OnLoad(value)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", options.Kind, err)
	}
	f.Live = live
	if err := f.start(options.HTTP.StartWithout); err != nil {
		return nil, fmt.Errorf("%s: %w", options.Kind, err)
	}
	return f, nil
}

// start loads the files that sources have, as soon as that can be. What is fetched over
// HTTP must be there, or have a copy on disk, unless without is set.
func (f *Files[T]) start(without bool) error {
	if f.http != nil {
		if err := f.http.Probe(); err != nil && !without {
			return err
		}
	}
	if f.center != nil {
		configcenter.Local.OnWarm(f.Live.Start)
		return nil
	}
	f.Live.Start() // no effect without sources
	if status := f.Live.Status(); status.LoadedAt.IsZero() && !without {
		return errors.Join(status.Err, status.CopyErr)
	}
	return nil
}

// Run follows the files until ctx ends.
func (f *Files[T]) Run(ctx context.Context) {
	if f.http == nil {
		f.Live.Run(ctx)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { f.http.Run(ctx) })
	both.Go(func() { f.Live.Run(ctx) })
	both.Wait()
}

// guard refuses a reload that would lose too much.
func (o Options[T]) guard(inForce, next *T, gone []string) error {
	if o.Losses == nil {
		return nil
	}
	return o.Losses(inForce, next).Check(o.ShrinkGuardPercent, gone)
}

// Status returns what is in force, and how the last load went. It does not block.
func (f *Files[T]) Status() Status {
	status := Status{Status: f.Live.Status(), Releases: f.releases()}
	if f.http != nil {
		status.Fetches = f.http.Fetches()
	}
	return status
}

func (f *Files[T]) releases() []release.Release {
	if f.center == nil {
		return nil
	}
	return f.center.Releases()
}

func (f *Files[T]) report(kind string, status livefile.Status) {
	observe.Load{
		Kind: kind, Files: status.Files, Took: status.Took, Err: status.Err,
		Entries: status.Count, Digest: status.Digest, LoadedAt: status.LoadedAt,
		CopiedAt: status.CopiedAt, CopyErr: status.CopyErr, Releases: f.releases(),
	}.Report()
}
