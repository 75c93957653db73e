package needs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// Report returns what there is to say of a list: how many tests were skipped, for
// want of what, and the command that brings the programs. The error names tests
// that were skipped for want of what the machine has.
func Report(list string) (string, error) {
	skips, err := read(list)
	if err != nil {
		return "", err
	}
	if len(skips) == 0 {
		return "No test was skipped for want of a program or a right.\n", nil
	}
	count, debian := map[string]int{}, []string{}
	var unfounded []error
	for _, s := range skips {
		count[s.want()]++
		debian = append(debian, s.debian()...)
		if has := s.unfounded(); has != "" {
			unfounded = append(unfounded, fmt.Errorf("%s in %s was skipped for want of %s, and that is here", s.Test, s.Dir, has))
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Tests skipped: %d\n", len(skips))
	for _, want := range slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	}) {
		fmt.Fprintf(&out, "%4d for want of %s\n", count[want], want)
	}
	slices.Sort(debian)
	if debian = slices.Compact(debian); len(debian) > 0 {
		fmt.Fprintf(&out, "apt-get install --no-install-recommends %s\n", strings.Join(debian, " "))
	}
	return out.String(), errors.Join(unfounded...)
}

// read returns the lines of a list; none if there is no file.
func read(list string) (out []Skip, err error) {
	text, err := os.ReadFile(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		var s Skip
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
		out = append(out, s)
	}
	return out, err
}
