package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// maxDocuments is how many documents one call may bring, as a list.
const maxDocuments = 2500

// documents are the JSON documents of a body: an object is one, a list one for each element, a
// form of either kind one whose members are its fields, or the JSON in its only field payload.
// Invalid when it is none of these; TooLarge for too many.
func documents(contentType string, body []byte) ([][]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "the body is empty")
	}
	kind, params, _ := mime.ParseMediaType(contentType)
	if body[0] != '{' && body[0] != '[' {
		var err error
		switch kind {
		case "application/x-www-form-urlencoded":
			body, err = formDocument(body)
		case "multipart/form-data":
			body, err = multipartDocument(body, params["boundary"])
		}
		if err != nil {
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
		return nil, unreadableForm()
	}
	return fieldsDocument(values)
}

func unreadableForm() error { return clientele.Errorf(clientele.Invalid, "the form cannot be read") }

const (
	maxParts    = 1000 // of a form
	maxPartName = 200  // bytes
)

// multipartDocument is a form in parts as JSON. Of a file there is its name in the form's place, since what is in it is no text.
func multipartDocument(body []byte, boundary string) ([]byte, error) {
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary+"--")) { // the reader takes a form that breaks off for a whole one
		return nil, unreadableForm()
	}
	values := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || n == maxParts || len(part.FormName()) > maxPartName {
			return nil, unreadableForm()
		}
		name, value := part.FormName(), part.FileName()
		if value == "" {
			text, err := io.ReadAll(part) // no more than the body
			if err != nil {
				return nil, unreadableForm()
			}
			value = string(text)
		}
		if name != "" {
			values.Add(name, value)
		}
	}
	if len(values) == 0 {
		return nil, unreadableForm()
	}
	return fieldsDocument(values)
}

// fieldsDocument is the fields of a form as JSON.
func fieldsDocument(values url.Values) ([]byte, error) {
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
		return nil, unreadableForm()
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
