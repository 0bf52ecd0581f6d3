package webhook

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// maxDocuments is how many documents one call may bring, as a list.
const maxDocuments = 2500

// documents are the JSON documents of a body: an object is one, a list one for each element, a
// form one whose members are its fields, or the JSON in its only field payload. Invalid when it
// is none of these; TooLarge for too many.
func documents(contentType string, body []byte) ([][]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "the body is empty")
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/x-www-form-urlencoded" && body[0] != '{' && body[0] != '[' {
		var err error
		if body, err = formDocument(body); err != nil {
			return nil, err
		}
	}
	if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not JSON in UTF-8")
	}
	if body[0] != '[' {
		return [][]byte{body}, nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the body is not JSON")
	}
	var out [][]byte
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "the body is not JSON")
		}
		if len(out) == maxDocuments {
			return nil, clientele.Errorf(clientele.TooLarge, "a call holds at most %d documents", maxDocuments).WithHint("let the sender make smaller batches")
		}
		out = append(out, bytes.Clone(v))
	}
	if len(out) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "the list is empty")
	}
	return out, nil
}

// formDocument is a form as JSON: text, or a list of texts where a field comes more than once.
func formDocument(body []byte) ([]byte, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the form cannot be read")
	}
	if payload := values["payload"]; len(values) == 1 && len(payload) == 1 {
		if text := strings.TrimSpace(payload[0]); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			return []byte(text), nil
		}
	}
	object := make(map[string]any, len(values))
	for name, v := range values {
		if len(v) == 1 {
			object[name] = v[0]
			continue
		}
		object[name] = v
	}
	b, err := json.Marshal(object)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the form cannot be read")
	}
	return b, nil
}

// member is the text or number at a path such as data.object.id, "" when there is none.
func member(document []byte, path string) string {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return ""
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
