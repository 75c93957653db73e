// Package httpfiles fetches mapping files over HTTP, as a source of package livefile:
// files in YAML and CSV with their ETags, and the entries of a CMDB that is asked in
// pages, as Polaris's CMDB plugin memory asks. What is in force has a copy on disk for
// the next start.
package httpfiles

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// retryAfter is when a fetch is tried again after a fault, if the interval is longer.
const retryAfter = 5 * time.Second

// Fetch is how far one address was fetched.
type Fetch struct {
	Address   string    // as it is shown, see serverconfig.AddressName
	FetchedAt time.Time // when it last answered with a text, or that the text is as before; zero: never
	Err       error     // of the last try
}

// Source has the texts that were fetched last. Fetches and Run are safe for concurrent
// use beside the methods of livefile.Source.
type Source struct {
	kind     string
	config   serverconfig.HTTP
	client   *http.Client
	limits   limits
	copyFile string

	round sync.Mutex // held while every address is fetched

	mu      sync.Mutex // guards what follows
	texts   []*text
	version int  // grows when a text or a fault is another one
	read    int  // the version that Read has returned last
	fresh   bool // everything was fetched since the last Read
}

// text is what one address has.
type text struct {
	address string
	name    string // as it is shown
	get     func(ctx context.Context, before *text) (found, error)
	found   // the last that could be fetched
	fetched time.Time
	err     error // of the last try
}

// found is what a fetch has found.
type found struct {
	files []strict.File
	etag  string
	same  bool // there is nothing new
}

var _ livefile.Source = (*Source)(nil)

// New returns the source for what a configuration names. It reads the certificates, and
// fetches nothing yet.
func New(kind string, config serverconfig.HTTP) (*Source, error) {
	client, err := newClient(config.CAFile)
	if err != nil {
		return nil, err
	}
	s := &Source{kind: kind, config: config, client: client, limits: defaultLimits, copyFile: copyFile(kind)}
	for _, address := range config.Files {
		s.texts = append(s.texts, &text{address: address, name: serverconfig.AddressName(address), get: s.getFile})
	}
	if config.CMDB != "" {
		s.texts = append(s.texts, &text{address: config.CMDB, name: serverconfig.AddressName(config.CMDB), get: s.getPages})
	}
	return s, nil
}

// Probe fetches everything. It returns an error if something cannot be fetched, and no
// copy on disk can stand in for it.
func (s *Source) Probe() error {
	s.fetchAll(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = true
	var problems strict.Problems
	s.addProblems(&problems)
	if problems.Err() == nil {
		return nil
	}
	if _, err := s.readCopy(); err != nil {
		return fmt.Errorf("%w; and no copy on disk can stand in: %w", problems.Err(), err)
	}
	return nil
}

// Run fetches everything at each interval, until ctx ends. A panic costs one fetch.
func (s *Source) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.wait()):
			observe.Safely("fetching the "+s.kind, func() { s.fetchAll(ctx) })
		}
	}
}

// wait returns how long to wait before the next fetch.
func (s *Source) wait() time.Duration {
	for _, f := range s.Fetches() {
		if f.Err != nil {
			return min(s.config.Interval, retryAfter)
		}
	}
	return s.config.Interval
}

// fetchAll fetches every address, all at once.
func (s *Source) fetchAll(ctx context.Context) {
	s.round.Lock()
	defer s.round.Unlock()
	defer s.client.CloseIdleConnections()
	var all sync.WaitGroup
	for _, t := range s.texts {
		all.Go(func() {
			before := s.known(t)
			result, err := s.get(ctx, t, before)
			s.note(t, result, err)
		})
	}
	all.Wait()
}

// get fetches one address. A panic is an error.
func (s *Source) get(ctx context.Context, t *text, before text) (result found, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, s.limits.whole)
	defer cancel()
	return t.get(ctx, &before)
}

// known returns what is known of an address now.
func (s *Source) known(t *text) text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *t
}

// note remembers the outcome of a fetch.
func (s *Source) note(t *text, result found, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if t.err == nil || t.err.Error() != err.Error() {
			s.version++
		}
		t.err = err
		return
	}
	if t.err != nil || !result.same && !sameFiles(t.files, result.files) {
		s.version++
	}
	if !result.same {
		t.found = result
	}
	t.err, t.fetched = nil, clock.Now()
	observe.Fetched(s.kind, t.name, t.fetched)
}

// Fetches returns how far each address was fetched, in the order of the configuration.
func (s *Source) Fetches() (fetches []Fetch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.texts {
		fetches = append(fetches, Fetch{t.name, t.fetched, t.err})
	}
	return fetches
}

// Changed implements livefile.Source.
func (s *Source) Changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version != s.read
}

// Read implements livefile.Source. If somebody waits for the load, it fetches first.
func (s *Source) Read(urgency livefile.Urgency, problems *strict.Problems) (livefile.Reading, bool) {
	if urgency != livefile.UrgencyNone && !s.isFresh() {
		s.fetchAll(context.Background())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read, s.fresh = s.version, false
	s.addProblems(problems)
	var files []strict.File
	for _, t := range s.texts {
		files = append(files, t.files...)
	}
	return livefile.Reading{Files: files, Keep: func() error { return s.writeCopy(files) }}, true
}

func (s *Source) isFresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// addProblems adds why addresses could not be fetched. The caller holds the lock.
func (s *Source) addProblems(problems *strict.Problems) {
	for _, t := range s.texts {
		if t.err != nil {
			problems.Add(strict.Problem{File: t.name, Message: t.err.Error()})
		}
	}
}
