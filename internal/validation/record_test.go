package validation

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARecordGivesBackWhatWasPut(t *testing.T) {
	r := &record{filepath.Join(t.TempDir(), "a", "b")}
	there := address("one")
	_, found := r.get(there)
	assert.False(t, found)
	fix := "do"
	violations := []Violation{{Rule: "W1", Description: "wrong", Severity: "warning", Fix: &fix, Metadata: map[string]string{"category": "x"},
		Resources: []Resource{{LogicalID: "Bucket", Locations: []string{"Properties.A"}}, {Locations: []string{}}}}}
	require.NoError(t, r.put(there, violations))
	got, found := r.get(there)
	assert.True(t, found)
	assert.Equal(t, violations, got)
	info, err := os.Stat(r.folder)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "others do not read what is in the templates")
}

// Whatever is not as it was written is as good as not there, and replaced.
func TestADamagedEntryIsNoEntry(t *testing.T) {
	for name, damage := range map[string]func(r *record, file string, text []byte) error{
		"empty":     func(_ *record, file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		"truncated": func(_ *record, file string, text []byte) error { return os.WriteFile(file, text[:len(text)-3], 0o600) },
		"changed": func(_ *record, file string, text []byte) error {
			text[len(text)-3] ^= 1
			return os.WriteFile(file, text, 0o600)
		},
		"of another address": func(r *record, file string, _ []byte) error {
			if err := r.put(address("two"), nil); err != nil {
				return err
			}
			return os.Rename(r.file(address("two")), file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &record{t.TempDir()}
			require.NoError(t, r.put(address("one"), nil))
			file := r.file(address("one"))
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, damage(r, file, text))
			assert.False(t, r.has(address("one")))
			require.NoError(t, r.put(address("one"), nil))
			assert.True(t, r.has(address("one")))
		})
	}
}

func TestARecordIsBounded(t *testing.T) {
	r := &record{t.TempDir()}
	old := time.Now().Add(-48 * time.Hour)
	for i := range maxEntries + 1 {
		file := r.file(fmt.Sprint(i))
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		require.NoError(t, os.Chtimes(file, old, old.Add(time.Duration(i)*time.Second)))
	}
	kept := address("kept")
	require.NoError(t, r.put(kept, nil))
	require.NoError(t, os.Chtimes(r.file(kept), old, old))
	require.True(t, r.has(kept), "and is freshened by this")
	r.prune()
	left, err := os.ReadDir(r.folder)
	require.NoError(t, err)
	assert.Len(t, left, maxEntries*3/4)
	assert.FileExists(t, r.file(kept))
	assert.NoFileExists(t, r.file("0"))
	assert.FileExists(t, r.file(fmt.Sprint(maxEntries)))
}

func TestMergeSaysTheSameFindingOnce(t *testing.T) {
	at := func(id string) []Resource { return []Resource{{LogicalID: id, Locations: []string{}}} }
	merged := merge([][]Violation{
		{{Rule: "W1", Severity: "warning", Description: "a", Resources: at("A")}, {Rule: "W2", Severity: "warning", Description: "a", Resources: at("B")}},
		nil,
		{{Rule: "W2", Severity: "warning", Description: "a", Resources: at("C")}, {Rule: "W1", Severity: "error", Description: "a", Resources: at("D")}},
	})
	require.Len(t, merged, 3)
	assert.Equal(t, []Resource{{Template: 0, LogicalID: "B", Locations: []string{}}, {Template: 2, LogicalID: "C", Locations: []string{}}}, merged[1].Resources)
	assert.Equal(t, "error", merged[2].Severity)
}

// A result is remembered for exactly what it depends on.
func TestAnAddressDependsOnEverything(t *testing.T) {
	v := &Validator{library: &library{identity: "engine"}}
	other := &Validator{library: &library{identity: "another engine"}}
	template := Template{Path: "/a", Account: "1", Region: "r"}
	seen := map[string]bool{
		v.address(template, "content"):                             true,
		v.address(template, "other content"):                       true,
		v.address(Template{Account: "2", Region: "r"}, "content"):  true,
		v.address(Template{Account: "1", Region: "r2"}, "content"): true,
		v.address(Template{Account: "1r"}, "content"):              true,
		v.address(Template{Region: "1r"}, "content"):               true,
		other.address(template, "content"):                         true,
	}
	assert.Len(t, seen, 7)
	assert.Equal(t, v.address(template, "content"), v.address(Template{Path: "/b", Account: "1", Region: "r"}, "content"), "where it is does not matter")
}

func TestOnlyKnownKindsOfValidation(t *testing.T) {
	t.Setenv(Variable, "alway")
	assert.ErrorContains(t, Check(), "allowed: always")
	t.Setenv(Variable, Always)
	assert.NoError(t, Check())
	t.Setenv(Variable, "")
	assert.NoError(t, Check())
}
