package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// betweenStatuses is how long evacuate waits before it asks the server again.
const betweenStatuses = time.Second

// waitForServer waits until the server follows the file on this machine, and returns why it
// does not. It returns an empty text where nobody can be asked: with a dump, and where no
// server answers, which a note says.
func (e *evacuateCommand) waitForServer(result *evacuateResult) string {
	if e.dump != "" || result.Unchecked != "" {
		return ""
	}
	for start := time.Now(); ; time.Sleep(betweenStatuses) {
		var status api.Status
		if err := e.server.get("status", nil, &status); err != nil {
			result.Notes = append(result.Notes, "no server says whether that is in force: "+err.Error())
			return ""
		}
		isThere := slices.ContainsFunc(status.Evacuations, func(other api.Evacuation) bool { return other.ID == e.entry.ID() })
		if isThere == (e.end == "") {
			return ""
		}
		waited := time.Since(start)
		if refused := refusedRouting(status); refused != "" && waited > min(settling, e.patience) {
			return "the server refuses its routing files, and goes on with those of before: " + refused
		}
		if waited > e.patience {
			return fmt.Sprintf("the server at %s does not follow %s, after %s: is it a file of that server?", e.server.url, e.file, e.patience)
		}
	}
}

// refusedRouting returns why the server refuses routing files; empty: it does not.
func refusedRouting(s api.Status) string {
	for _, f := range s.Files {
		if f.Kind == api.KindRouting {
			return strings.Join(f.Problems, "; ")
		}
	}
	return ""
}

// samePlace returns the evacuations of a list that are of the same place as the command's,
// are not over, and are not the one that ends.
func (e *evacuateCommand) samePlace(list []route.Evacuation, now time.Time) (out []route.Evacuation) {
	for _, other := range list {
		if other.Kind() == e.entry.Kind() && other.Place() == e.entry.Place() && now.Before(other.Until) && other.ID() != e.end {
			out = append(out, other)
		}
	}
	return out
}

// sayOthers refuses a second evacuation of a place, and says which goes on after an end.
func (e *evacuateCommand) sayOthers(result *evacuateResult) {
	for _, other := range e.others {
		until := other.Until.Format(time.RFC3339)
		if e.end == "" {
			result.Refused = append(result.Refused, fmt.Sprintf("%s %q is evacuated already, by %s until %s", other.Kind(), other.Place(), other.ID(), until))
		} else {
			result.Notes = append(result.Notes, fmt.Sprintf("%s %q stays evacuated, by %s until %s", other.Kind(), other.Place(), other.ID(), until))
		}
	}
}
