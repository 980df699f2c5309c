package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// A cursor is where a page ended. It names its list and the question that was
// asked, so that it is not mistaken for another's.
type cursor struct {
	List  string          `json:"l"`
	Asked string          `json:"q,omitempty"` // what the list was narrowed to
	After json.RawMessage `json:"a"`           // the key of the last item
}

// cursorOf makes the cursor behind an item with that key.
func cursorOf(list, asked string, key any) (string, error) {
	after, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(cursor{list, asked, after})
	return base64.RawURLEncoding.EncodeToString(text), err
}

// readCursor reads the key out of a cursor of the same list and question. An
// empty one leaves the key as it is: at the beginning.
func readCursor(text, list, asked string, key any) error {
	if text == "" {
		return nil
	}
	wrong := func(detail string) error {
		return ProblemError{Type: CursorType, Title: "unusable cursor", Status: http.StatusBadRequest, Errors: []FieldError{{"?after", detail}}}
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return wrong("is no cursor; send the next of the page before as it came, or begin without one")
	}
	var c cursor
	if strictly(raw, &c) != nil || c.List == "" {
		return wrong("is no cursor; send the next of the page before as it came, or begin without one")
	}
	if c.List != list || c.Asked != asked {
		return wrong("belongs to another list or to other parameters; leave them as they were, or begin without a cursor")
	}
	if strictly(c.After, key) != nil {
		return wrong("names no place in this list; begin without a cursor")
	}
	return nil
}

// pageOf cuts a page out of the whole of a list, by id.
func pageOf[T any](all []T, list, after string, limit int, id func(T) string) (page []T, next string, err error) {
	var last string
	if err := readCursor(after, list, "", &last); err != nil {
		return nil, "", err
	}
	all = slices.DeleteFunc(append([]T{}, all...), func(one T) bool { return id(one) <= last })
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	if len(all) <= limit {
		return all, "", nil
	}
	next, err = cursorOf(list, "", id(all[limit-1]))
	return all[:limit], next, err
}

// strictly reads JSON that has no more than v knows.
func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
