package explain

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Text writes an explanation for people. Text that clients can influence is quoted, so
// that it cannot play tricks with a terminal or a log.
func (e Explanation) Text(w io.Writer) {
	fmt.Fprintf(w, "%s asks for %q: %s, %d of %s\n", e.Caller.Address, e.Service, e.Answer, e.Sent, count(len(e.Instances), "instance"))
	e.Asked.text(w)
	fmt.Fprintln(w, "\nwho")
	e.Caller.Identity(w)
	e.rule(w)
	e.choices(w)
	e.priorities(w)
	e.instances(w)
	if e.Revision != "" {
		fmt.Fprintf(w, "\nrevision %s\n", e.Revision)
	}
}

// rule writes the rule, and the rules before it.
func (e Explanation) rule(w io.Writer) {
	fmt.Fprintln(w, "\nrule")
	t := table.New(w)
	var others []string
	for _, p := range e.Passed {
		if p.OtherService {
			others = append(others, Plain(p.Rule))
			continue
		}
		fmt.Fprintf(t, "  not %s\t%s:%d\t%s\n", Plain(p.Rule), p.File, p.Line, p.Why)
	}
	if r := e.Rule; r != nil {
		included := "caller included"
		if !r.Included {
			included = "caller not included"
		}
		fmt.Fprintf(t, "  %s\t%s:%d\tmode %s, rollout %g%% by %s: %s\n", Plain(r.Name), r.File, r.Line, r.Mode, r.Percent, r.By, included)
	}
	t.Flush()
	if len(others) > 0 {
		fmt.Fprintf(w, "  for other services: %s\n", strings.Join(others, ", "))
	}
	fmt.Fprintf(w, "  so: %s\n", e.Why)
	if e.Read != e.Service {
		fmt.Fprintf(w, "  read is %q\n", e.Read)
	}
}

// choices writes the roads of each SET that the caller is routed as.
func (e Explanation) choices(w io.Writer) {
	for _, c := range e.Choices {
		fmt.Fprintf(w, "\nroads of %s\n", IdentityText(location.Identity{SET: location.SET(c.SET), Location: e.RoutedAs.Location}))
		if c.Why != "" {
			fmt.Fprintf(w, "  %s\n", c.Why)
		}
		t := table.New(w)
		for _, r := range c.Roads {
			fmt.Fprintf(t, "  %s %s\t%d of %d usable\t%s%s\n", r.mark(), Plain(r.name()), r.Usable, r.Total, r.Why, r.takes())
		}
		t.Flush()
		c.notes(w)
	}
}

// priorities writes what clients of xDS get, in one line.
func (e Explanation) priorities(w io.Writer) {
	var list []string
	for _, p := range e.Priorities {
		list = append(list, fmt.Sprintf("%s (%d of %d usable)", Plain(route.Road{Tier: p.Tier, Level: p.Level}.String()), p.Usable, p.Total))
	}
	switch len(list) {
	case 0:
	case 1:
		fmt.Fprintln(w, "\nover xDS: this list, and nothing behind it")
	default:
		fmt.Fprintf(w, "\nover xDS: %s\n", strings.Join(list, ", then "))
	}
}

// notes writes what is special about a choice.
func (c Choice) notes(w io.Writer) {
	if c.HeldUntil != nil {
		fmt.Fprintf(w, "  "+c.held()+"\n", c.HeldUntil.UTC().Format(time.RFC3339))
	}
	if c.LastResort {
		fmt.Fprintln(w, "  the evacuation does not count: without the evacuated instances no road has a usable one")
	}
	if c.Widened {
		fmt.Fprintln(w, "  no road has an instance, and onEmpty: all answers")
	}
}

// held returns what is held until when, as a format for a time.
func (c Choice) held() string {
	if slices.ContainsFunc(c.Roads, func(r Road) bool { return r.Share > 0 }) {
		return "a road has recovered: what it takes is held until %s (degrade.holdDown, failback)"
	}
	return "an earlier road is satisfied again: this one is held until %s (degrade.holdDown)"
}

// mark returns ">" for the road that is taken, and a blank for the others.
func (r Road) mark() string {
	if r.Taken {
		return ">"
	}
	return " "
}

// takes returns what the road takes of the caller's requests; an empty text without
// overprovision.
func (r Road) takes() string {
	switch {
	case r.Share == 0:
		return ""
	case math.Abs(r.ByWeights-float64(r.Share)) >= 1:
		return fmt.Sprintf("; it takes %d%%, of which whole weights make %.1f%%", r.Share, r.ByWeights)
	}
	return fmt.Sprintf("; it takes %d%%", r.Share)
}

// name returns the tier and the level of a road.
func (r Road) name() string { return route.Road{Tier: r.Tier, Level: r.Level}.String() }

// instances writes the instances, sent and left out.
func (e Explanation) instances(w io.Writer) {
	fmt.Fprintln(w, "\ninstances")
	t := table.New(w)
	for _, i := range e.Instances {
		mark, note := "+", i.LeftOut
		if !i.Sent {
			mark = "-"
		}
		switch {
		case !i.Sent && i.Chosen:
			note = "chosen, not sent"
		case i.Sent && note != "":
			note = "not the rule's choice: " + note
		}
		for _, sentence := range i.Ignored {
			note = strings.TrimPrefix(note+"; "+sentence, "; ")
		}
		fmt.Fprintf(t, "  %s %s:%d\t%s\t%s\t%s\t%s\n", mark, Plain(i.Host), i.Port, dash(i.SET), dash(i.Location.String()), i.state(), note)
	}
	t.Flush()
}

// state returns why an instance is not usable, or its weight.
func (i Instance) state() string {
	switch {
	case i.Isolate:
		return "isolated"
	case !i.Healthy:
		return "unhealthy"
	case i.Weight == 0:
		return "weight 0"
	case i.Evacuated:
		return "evacuated"
	}
	return fmt.Sprintf("weight %d", i.Weight)
}

// count returns "1 instance" or "2 instances".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// dash returns a text as Plain does, and "-" for an empty one.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return Plain(s)
}

// Line returns a sentence of this project on one line. Characters that are not printable
// are escaped. The sentence may quote something, and is not quoted itself.
func Line(s string) string {
	var b strings.Builder
	for _, r := range s {
		q := strconv.QuoteRune(r)
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// Plain returns a text as it is if all its characters are printable, and quoted if
// not.
func Plain(s string) string {
	if q := fmt.Sprintf("%q", s); q[1:len(q)-1] != s {
		return q
	}
	return s
}
