package mcp_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	mcp "github.com/libmcp/libmcp/bindings/go"
)

// diagnosed returns the steps of a diagnosis by their names.
func diagnosed(t *testing.T, client *mcp.Client) (*mcp.Diagnosis, map[string]mcp.DiagnosisStep) {
	t.Helper()
	diagnosis, err := client.Diagnose(t.Context())
	noError(t, err)
	steps := map[string]mcp.DiagnosisStep{}
	for _, step := range diagnosis.Steps {
		steps[step.Name] = step
	}
	wantEqual(t, len(steps), 12)
	return diagnosis, steps
}

func TestDiagnoseRealServers(t *testing.T) {
	for _, name := range []string{"fastmcp4-static", "fastmcp4-sse", "everything"} {
		t.Run(name, func(t *testing.T) {
			s := realServer(t, name)
			diagnosis, steps := diagnosed(t, newClient(t, s.URL, mcp.WithBearer(s.Tokens["right"])))
			if !diagnosis.OK {
				t.Errorf("%s", diagnosis.Raw)
			}
			wantEqual(t, diagnosis.Server, s.URL)
			if ok := steps["lists"].OK; ok == nil || !*ok || !strings.Contains(string(steps["lists"].Result), `"tools":`) {
				t.Errorf("%s", diagnosis.Raw)
			}
			wantEqual(t, steps["tls"].OK == nil && steps["tls"].Reason != "", true)
		})
	}
	t.Run("wrong token", func(t *testing.T) {
		diagnosis, steps := diagnosed(t, newClient(t, realServer(t, "fastmcp4-static").URL, mcp.WithBearer("zqxw-wrong")))
		wantEqual(t, diagnosis.OK, false)
		if step := steps["authorization"]; step.OK == nil || *step.OK || step.Remedy == "" {
			t.Errorf("%+v", step)
		}
		wantEqual(t, strings.Contains(diagnosis.Raw.String(), "zqxw"), false)
	})
}

func TestDiagnoseADeadServer(t *testing.T) {
	diagnosis, steps := diagnosed(t, newClient(t, "http://127.0.0.1:1/mcp"))
	wantEqual(t, diagnosis.OK, false)
	wantEqual(t, diagnosis.Client, "127.0.0.1")
	step := steps["tcp"]
	if *step.OK || !strings.Contains(step.Problem, "connection refused") || step.Remedy == "" {
		t.Errorf("%+v", step)
	}
	wantEqual(t, steps["ping"].Reason, `the step "tcp" failed`)
}

func TestDiagnoseAServerProcess(t *testing.T) {
	inBothEras(t, func(t *testing.T, version string) {
		diagnosis, steps := diagnosed(t, newProcessClient(t, version))
		if !diagnosis.OK || !strings.Contains(string(steps["process"].Result), `"processId":`) {
			t.Errorf("%s", diagnosis.Raw)
		}
	})
}

func TestACancelledDiagnosisHasNoResult(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	diagnosis, err := newClient(t, "http://127.0.0.1:1/mcp").Diagnose(ctx)
	if diagnosis != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", diagnosis, err)
	}
}
