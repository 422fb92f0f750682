package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// heldByTests are tests, each a package and names, as in test `./guard` `TestCheck`.
	heldByTests = regexp.MustCompile("^test (?:(?:, )?`\\./[a-z0-9/]+`(?:,? `Test[A-Za-z0-9]+`)+)+$")
	// heldByAWS is a page of AWS's documentation.
	heldByAWS  = regexp.MustCompile(`^AWS: \[[^\]]+\]\(https://docs\.aws\.amazon\.com/[^)]+\)$`)
	code       = regexp.MustCompile("`([^`]+)`")
	unverified = regexp.MustCompile(`(?i)not\s+verified|(?:was|were)\s+not\s+tried|AWS\s+does\s+not\s+say\s+whether`)
)

const notVerified = "*not verified*"

// promise is a row of docs/verification.md.
type promise struct{ what, page, held, settle string }

func promises(t *testing.T) (rows []promise) {
	t.Helper()
	text, err := os.ReadFile("verification.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		require.Len(t, cells, 4, line)
		page := regexp.MustCompile(`\(([a-z-]+\.md)\)`).FindStringSubmatch(cells[1])
		require.NotNil(t, page, "%s: the page that says so", cells[0])
		rows = append(rows, promise{strings.TrimSpace(cells[0]), page[1], strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])})
	}
	require.Greater(t, len(rows), 25)
	return rows
}

// Each promise is held by tests that there are, by AWS's documentation, or it is not
// verified, and then says what would settle it.
func TestEachPromiseIsHeldOrNotVerified(t *testing.T) {
	for _, row := range promises(t) {
		assert.FileExists(t, row.page, row.what)
		if row.held == notVerified {
			assert.NotEmpty(t, row.settle, "%s: what somebody with an account would run", row.what)
			continue
		}
		for part := range strings.SplitSeq(row.held, "; ") {
			if heldByAWS.MatchString(part) {
				continue
			}
			if assert.Regexp(t, heldByTests, part, row.what) {
				testsExist(t, row.what, part)
			}
		}
	}
}

func testsExist(t *testing.T, what, held string) {
	t.Helper()
	sources := ""
	for _, found := range code.FindAllStringSubmatch(held, -1) {
		if folder, ok := strings.CutPrefix(found[1], "./"); ok {
			sources = ""
			files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
			require.NoError(t, err)
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				sources += string(text)
			}
			continue
		}
		assert.Contains(t, sources, "func "+found[1]+"(t *testing.T)", "%s: there is no such test in the package", what)
	}
}

// What another page calls not verified has a row: as many as the page has of them.
func TestWhatIsNotVerifiedIsListed(t *testing.T) {
	listed := map[string]int{}
	for _, row := range promises(t) {
		if row.held == notVerified {
			listed[row.page]++
		}
	}
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	for _, page := range pages {
		if page == "verification.md" {
			continue
		}
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		said := unverified.FindAllString(string(text), -1)
		assert.LessOrEqual(t, len(said), listed[page], "%s says %q: give each a row in verification.md", page, said)
	}
}
