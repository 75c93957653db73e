package chinese

import (
	"bytes"
	"encoding/json"
)

// said are the fields of the admin listener's JSON whose texts are sentences for people.
var said = map[string]bool{
	"text": true, "why": true, "whyNot": true, "message": true, "problem": true, "headline": true, "note": true,
	"problems": true, "reasons": true, "notes": true, "ignored": true,
}

// JSON returns a value as JSON in which sentences for people are in Chinese. Names, words
// and numbers stay. It returns the error of json.Marshal.
func JSON(value any) (json.RawMessage, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(translate(tree, false))
}

// translate puts the sentences of a tree into Chinese.
func translate(tree any, isSaid bool) any {
	switch tree := tree.(type) {
	case string:
		if isSaid {
			return Text(tree)
		}
	case []any:
		for n := range tree {
			tree[n] = translate(tree[n], isSaid)
		}
	case map[string]any:
		for key := range tree {
			tree[key] = translate(tree[key], said[key])
		}
	}
	return tree
}
