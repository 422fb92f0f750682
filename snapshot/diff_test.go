package snapshot

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestUnifiedDiff(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		want          string
	}{
		{"equal", "a\nb\n", "a\nb\n", ""},
		{"final newline", "a\n", "a", ""},
		{"from nothing", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b"},
		{"to nothing", "a\n", "", "@@ -1,1 +0,0 @@\n-a"},
		{
			"context",
			"1\n2\n3\n4\n5\n6\n7\n8\n9\n",
			"1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
			"@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8",
		},
		{
			"changes whose contexts touch are one hunk",
			"a\n1\n2\n3\n4\n5\n6\nb\n",
			"A\n1\n2\n3\n4\n5\n6\nB\n",
			"@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B",
		},
		{
			"changes further apart are two",
			"a\n1\n2\n3\n4\n5\n6\n7\nb\n",
			"A\n1\n2\n3\n4\n5\n6\n7\nB\n",
			"@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B",
		},
		{
			"place in the document",
			"{\n \"Resources\": {\n  \"A\": {\n   \"Properties\": {\n    \"1\": 1,\n    \"2\": 2,\n    \"3\": 3,\n    \"X\": false\n   }\n  }\n }\n}\n",
			"{\n \"Resources\": {\n  \"A\": {\n   \"Properties\": {\n    \"1\": 1,\n    \"2\": 2,\n    \"3\": 3,\n    \"X\": true\n   }\n  }\n }\n}\n",
			"@@ -5,7 +5,7 @@ Resources.A.Properties\n     \"1\": 1,\n     \"2\": 2,\n     \"3\": 3,\n-    \"X\": false\n+    \"X\": true\n    }\n   }\n  }",
		},
		{
			"repeated lines stay in place",
			"a\nx\nx\nb\n",
			"c\nx\nx\nd\n",
			"@@ -1,4 +1,4 @@\n-a\n+c\n x\n x\n-b\n+d",
		},
		{
			"a moved line keeps the longest run in place",
			"x\na\nb\nc\n",
			"a\nb\nc\nx\n",
			"@@ -1,4 +1,4 @@\n-x\n a\n b\n c\n+x",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := unifiedDiff(tt.before, tt.after, maxDiffLines)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// The place of a line that is gone is one in the old file.
func TestUnifiedDiffPlaces(t *testing.T) {
	doc := func(id, last string) string {
		return "{\n \"" + id + "\": {\n  \"1\": 1,\n  \"2\": 2,\n  \"3\": 3,\n  \"4\": 4,\n  \"5\": 5,\n  \"6\": 6,\n  \"7\": 7,\n  \"0\": 0" + last + "\n }\n}\n"
	}
	tests := []struct{ before, after, want string }{
		{doc("Old", ",\n  \"8\": 8"), doc("New", ""), "@@ Old\n"},
		{doc("Old", ""), doc("New", ",\n  \"8\": 8"), "@@ Old\n"},
		{doc("Old", ",\n  \"8\": {\n  }"), doc("New", ",\n  \"8\": {\n   \"x\": 1\n  }"), "@@ New.8\n"},
	}
	for _, tt := range tests {
		if got := unifiedDiff(tt.before, tt.after, maxDiffLines); !strings.Contains(got, tt.want) {
			t.Errorf("got\n%s\nwant one with %q", got, tt.want)
		}
	}
}

// Where equal lines are added, which of them are the new ones is open, but there
// must be no more of them than necessary.
func TestUnifiedDiffOfRepeatedLines(t *testing.T) {
	got := unifiedDiff("{\n}\n{\n}\n", "{\n}\n{\n}\n{\n}\n", maxDiffLines)
	if strings.Count(got, "\n+") != 2 || strings.Contains(got, "\n-") {
		t.Errorf("got\n%s\nwant two lines added", got)
	}
}

func TestUnifiedDiffLimit(t *testing.T) {
	var before, after strings.Builder
	for i := range 100 {
		fmt.Fprintf(&before, "old %d\n", i)
		fmt.Fprintf(&after, "new %d\n", i)
	}
	// The header and 200 lines.
	full := strings.Split(unifiedDiff(before.String(), after.String(), 201), "\n")
	if len(full) != 201 || full[200] != "+new 99" {
		t.Errorf("got %d lines, the last of which is %q", len(full), full[len(full)-1])
	}
	cut := strings.Split(unifiedDiff(before.String(), after.String(), 80), "\n")
	if len(cut) != 80 || cut[78] != full[78] || cut[79] != "... 122 more lines of diff" {
		t.Errorf("got %d lines, the last of which are %q", len(cut), cut[len(cut)-2:])
	}
}

// A diff must turn the one file into the other, whatever they are.
func TestDiffLinesProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, b := randomLines(rng), randomLines(rng)
		var before, after []string
		for _, e := range diffLines(a, b) {
			if e.op != '+' {
				before = append(before, e.line)
			}
			if e.op != '-' {
				after = append(after, e.line)
			}
		}
		if strings.Join(before, "\n") != strings.Join(a, "\n") || strings.Join(after, "\n") != strings.Join(b, "\n") {
			t.Fatalf("diff of %q and %q is one of %q and %q", a, b, before, after)
		}
	}
}

func randomLines(rng *rand.Rand) []string {
	lines := make([]string, rng.IntN(12))
	for i := range lines {
		lines[i] = string(rune('a' + rng.IntN(8)))
	}
	return lines
}

// Templates have thousands of lines, and a failing test must not hang on two
// that have little in common.
func TestDiffLinesOfLargeFiles(t *testing.T) {
	var a, b []string
	for i := range 30000 {
		a = append(a, fmt.Sprintf("a %d", i%9000), "}")
		b = append(b, fmt.Sprintf("b %d", i%9000), "}")
	}
	start := time.Now()
	edits := diffLines(a, b)
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	if before, after := countLines(edits); before != len(a) || after != len(b) {
		t.Errorf("got %d and %d lines, want %d and %d", before, after, len(a), len(b))
	}
}
