package mcp

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// An undecodable type fails to decode any JSON; the error is the JSON text.
type undecodable struct{}

func (*undecodable) UnmarshalJSON(text []byte) error { return errors.New(string(text)) }

// The error messages that this package creates may contain text from the server.
func TestErrorMessagesAreOneShortLine(t *testing.T) {
	digits := strings.Repeat("9", 1<<20)
	err := Result(`[` + digits + `]`).decodeLenient(&undecodable{})
	messages := []string{
		err.Error(), sanitize("a\n\x1b[31m\u2028\u202e\xffb"), sanitize(strings.Repeat("é€", 5000)),
	}
	for _, message := range messages {
		if len(message) > maxMessage || !utf8.ValidString(message) ||
			strings.ContainsAny(message, "\n\x1b\u2028\u202e") {
			t.Errorf("%d bytes: %.200q", len(message), message)
		}
	}
	if !strings.HasPrefix(messages[0], "the server's result") || !strings.HasSuffix(messages[2], "...") {
		t.Errorf("%.100q, %.100q", messages[0], messages[2])
	}
}
