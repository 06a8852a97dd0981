package mcp

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// picky can be decoded from nothing, and says what it got.
type picky struct{}

func (*picky) UnmarshalJSON(text []byte) error { return errors.New(string(text)) }

// What the server sent is in a message of this package's own.
func TestMessagesAreOneShortLine(t *testing.T) {
	digits := strings.Repeat("9", 1<<20)
	err := Result(`[` + digits + `]`).decodeLenient(&picky{})
	messages := []string{err.Error(), sanitize("a\n\x1b[31m\u2028\u202e\xffb"), sanitize(strings.Repeat("é€", 5000))}
	for _, message := range messages {
		if len(message) > maxMessage || !utf8.ValidString(message) || strings.ContainsAny(message, "\n\x1b\u2028\u202e") {
			t.Errorf("%d bytes: %.200q", len(message), message)
		}
	}
	if !strings.HasPrefix(messages[0], "the server's result") || !strings.HasSuffix(messages[2], "...") {
		t.Errorf("%.100q, %.100q", messages[0], messages[2])
	}
}
