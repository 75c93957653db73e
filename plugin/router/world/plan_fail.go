package world

// failWord is a word of --fail-on.
type failWord struct {
	word, meaning string
	count         func(Plan) int // how often the plan has it
}

// failWords are the words of --fail-on, the changes first.
var failWords = append(failChanges(
	"a caller gets nothing, and got something",
	"a caller gets nothing usable, and did",
	"a caller gets instances outside of its region, and did not",
	"a caller gets instances outside of its zone, and did not",
	"a caller gets another list, or other weights",
), []failWord{
	{"refused", "the shrink guard would refuse files", func(p Plan) int { return len(p.Refused) }},
	{"rules-end", "a rule or a lane address ends", func(p Plan) int { return len(p.Rules.End) }},
	{"evacuations-end", "an evacuation ends that is not over", func(p Plan) int { return len(p.Evacuations.End) }},
	{"evacuations-begin", "there is another evacuation", func(p Plan) int { return len(p.Evacuations.Begin) }},
	{"never-first", "the first road of a rule is not satisfied with everything healthy", func(p Plan) int { return len(p.NeverFirst) }},
	{"no-road", "no road reaches an instance any more", Plan.countNoRoad},
	{"would-empty", "a new or changed rule in mode shadow, or at 0%, would give a caller nothing", Plan.countWouldEmpty},
	{"incomplete", "the callers of some node are not known, or the nodes do not agree", func(p Plan) int { return len(p.Notes) }},
	{"warnings", "there is a warning", func(p Plan) int { return len(p.Warnings) }},
}...)

// failChanges returns the words of changes.
func failChanges(meanings ...string) (out []failWord) {
	for n, meaning := range meanings {
		change := Changes[n]
		out = append(out, failWord{string(change), meaning, func(p Plan) int { return p.Counts[change] }})
	}
	return out
}

// FailWords returns the words of --fail-on.
func FailWords() []string { return textsOf(failWords, func(w failWord) string { return w.word }) }

// FailMeaning returns what a word of --fail-on means.
func FailMeaning(word string) string {
	for _, w := range failWords {
		if w.word == word {
			return w.meaning
		}
	}
	return ""
}

// Failure is a word of --fail-on that holds for a plan, and how often.
type Failure struct {
	Word  string
	Count int
}

// Fails returns the words that hold for the plan.
func (p Plan) Fails(words []string) (out []Failure) {
	for _, word := range words {
		for _, w := range failWords {
			if n := w.count(p); w.word == word && n > 0 {
				out = append(out, Failure{word, n})
			}
		}
	}
	return out
}

func (p Plan) countNoRoad() (n int) {
	for _, l := range p.Lost {
		if l.NoRoad {
			n++
		}
	}
	return n
}

func (p Plan) countWouldEmpty() (n int) {
	for _, row := range p.Would {
		if row.Change == ChangeEmpty {
			n++
		}
	}
	return n
}
