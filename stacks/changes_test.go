package stacks_test

import (
	"encoding/json"
	"flag"
	"slices"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/field/fieldtest"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/stacks"
)

var (
	each = flag.Bool("each", false, "change each field alone, at every place of every base, which takes minutes")
	// all is for what takes longest of these tests: `make strict` does it.
	all = flag.Bool("all", false, "do what `make test` leaves to `make strict`")
)

// synthesized are the assemblies of declarations, each made once.
type synthesized map[string]*snapshot.Assembly

func (s synthesized) assembly(t *testing.T, declaration fieldtest.Declaration) *snapshot.Assembly {
	t.Helper()
	key, err := json.Marshal(declaration)
	require.NoError(t, err)
	if s[string(key)] == nil {
		declared, err := declaration.Parse()
		require.NoError(t, err)
		app := synthtest.NewApp(t)
		stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: declared})
		s[string(key)] = synthtest.Synth(t, app)
	}
	return s[string(key)]
}

// observed is what the change does, and what taking it back does.
func (s synthesized) observed(t *testing.T, before, after fieldtest.Declaration) (there, back field.Change) {
	t.Helper()
	old, now := s.assembly(t, before), s.assembly(t, after)
	return fieldtest.Observe(old, now), fieldtest.Observe(now, old)
}

// spots are the places at which the example of a field is a valid change.
func spots(base fieldtest.Base, at field.At) []fieldtest.Spot {
	return slices.DeleteFunc(fieldtest.Spots(base, at), func(spot fieldtest.Spot) bool {
		after := spot.With(at.ExampleValue())
		return same(spot.Before, after) || !after.Valid()
	})
}

func same(a, b fieldtest.Declaration) bool {
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	return string(left) == string(right)
}

// showing are the bases that show all that a change of a field does, where
// others do not.
var showing = map[string]string{
	"stages[].database.services": "database",
	"stages[].production":        "database",
	"stages[].network.vpc.id":    "api",
	"stages[].network.egress":    "database",
	"stages[].network.cidr":      "database",
	"stages[].network.zones":     "database",
	"services[].stageConfig":     "database",
	"services[].worker":          "database",
	// The rest is seen with -each.
	"stages[].database":                 "existing",
	"stages[].network.vpc":              "network",
	"stages[].endpoint.hostedZone.name": "named",
	"stages[].endpoint.caching":         "network",
	"stages[].endpoint.type":            "network",
	"stages[].wave":                     "wave",
}

// claimants are the fields that say themselves what a change of them does, each
// once: at the first place that a common base has and where its example is a valid
// change, and at one more for each special case that it names.
func claimants(t *testing.T) []fieldtest.Spot {
	t.Helper()
	bases := slices.DeleteFunc(slices.Clone(fieldtest.Bases()), func(base fieldtest.Base) bool { return !slices.Contains(common, base.Name) })
	var chosen []fieldtest.Spot
	done := map[string]bool{} // by type, field and case: a source is a source wherever it is
	for _, at := range field.All() {
		if at.Changes[0].Has(field.ByField) {
			continue
		}
		if done[at.In+"."+at.Go+" "] {
			continue
		}
		found := map[string]fieldtest.Spot{} // by the case
		for _, base := range bases {
			when := fieldtest.Spot{Base: base, Field: at}.Claim().When
			_, met := found[when]
			only, limited := showing[at.Path]
			if met || limited && base.Name != only || at.Changes[0].Has(field.InPipeline) && !base.Pipeline() {
				continue
			}
			if here := slices.DeleteFunc(spots(base, at), func(spot fieldtest.Spot) bool { return !spot.Plain }); len(here) > 0 {
				found[when] = here[0]
			}
		}
		for _, change := range at.Changes {
			key := at.In + "." + at.Go + " " + change.When
			if spot, ok := found[change.When]; ok && !done[key] {
				done[key] = true
				chosen = append(chosen, spot)
			}
		}
	}
	require.Greater(t, len(chosen), 120)
	return chosen
}

// common are the bases that are looked at without -each: they have most fields.
var common = []string{"api", "alb", "database", "pipeline"}

// What a field says that a change of it does is what the templates and the
// resource schemas say. All fields of the common bases that claim the same are
// changed together; some of the groups only with -all (make strict). With -each
// (make changes) every field is changed alone, everywhere.
func TestChangesDoWhatFieldsSay(t *testing.T) {
	made := synthesized{}
	if *each {
		testEach(t, made)
		return
	}
	tried := 0
	for _, together := range grouped(claimants(t)) {
		spot := together.spots[0]
		if !*all && !together.comesFirst() {
			continue
		}
		tried += len(together.spots)
		t.Run(spot.Base.Name+" "+claimKey(spot), func(t *testing.T) {
			there, back := made.observed(t, together.before, together.after)
			claim := together.claim()
			if beyond := fieldtest.Beyond(claim, there) + fieldtest.Beyond(claim, back); beyond == "" {
				assert.Empty(t, fieldtest.Short(claim, fieldtest.Union(there, back)), "claimed, and does not happen, by %v", together.paths())
				return
			}
			// One of them does more than it says.
			for _, spot := range together.spots {
				judge(t, made, spot)
			}
			assert.True(t, t.Failed(), "together they do more than each alone: %v", together.paths())
		})
	}
	assert.Greater(t, tried, 140, "fields are changed")
}

func judge(t *testing.T, made synthesized, spot fieldtest.Spot) (there, back field.Change) {
	t.Helper()
	there, back = made.observed(t, spot.Before, spot.With(spot.Field.ExampleValue()))
	for _, seen := range []field.Change{there, back} {
		assert.Empty(t, fieldtest.Beyond(spot.Claim(), seen), "%s in %s says: %s; a change to %s: %s; and back: %s", spot.Path, spot.Base.Name, spot.Claim(), spot.Field.Example, there, back)
	}
	return there, back
}

// group is several changes at once.
type group struct {
	spots         []fieldtest.Spot
	before, after fieldtest.Declaration
}

// comesFirst is true of the groups that are tried each time: those of many fields,
// and those by which something is lost, or would be.
func (g group) comesFirst() bool {
	claim := g.spots[0].Claim()
	return len(g.spots) >= 5 || claim.Has(field.Refused) || claim.Has(field.Moves) || claim.Has(field.MadeAnew)
}

func (g group) paths() []string {
	var paths []string
	for _, spot := range g.spots {
		paths = append(paths, spot.Path)
	}
	return paths
}

// claim of them all, with every note.
func (g group) claim() field.Change {
	claim := g.spots[0].Claim()
	for _, spot := range g.spots[1:] {
		claim.Note += " " + spot.Claim().Note
	}
	return claim
}

// grouped puts changes together that claim the same and are valid at once.
func grouped(changes []fieldtest.Spot) []group {
	var groups []group
next:
	for _, spot := range changes {
		value := spot.Field.ExampleValue()
		for i, g := range groups {
			first := g.spots[0]
			if first.Base.Name != spot.Base.Name || !same(g.before, spot.Before) || claimKey(first) != claimKey(spot) {
				continue
			}
			joined := spot
			joined.Before = g.after
			if after := joined.With(value); after.Valid() && !same(after, g.after) {
				groups[i] = group{append(g.spots, spot), g.before, after}
				continue next
			}
		}
		groups = append(groups, group{[]fieldtest.Spot{spot}, spot.Before, spot.With(value)})
	}
	return groups
}

func claimKey(spot fieldtest.Spot) string {
	claim := spot.Claim()
	claim.Note = ""
	return claim.String()
}

func testEach(t *testing.T, made synthesized) {
	seen := map[string]field.Change{} // by type, field and case
	for _, at := range field.All() {
		if at.Changes[0].Has(field.ByField) {
			continue
		}
		t.Run(at.Path, func(t *testing.T) {
			shown := map[string]field.Change{} // by the case
			for _, base := range fieldtest.Bases() {
				for _, spot := range spots(base, at) {
					there, back := judge(t, made, spot)
					when := spot.Claim().When
					shown[when] = fieldtest.Union(shown[when], fieldtest.Union(there, back))
				}
			}
			for _, claim := range at.Changes {
				key := at.In + "." + at.Go + " " + claim.When
				seen[key] = fieldtest.Union(seen[key], shown[claim.When])
			}
		})
	}
	for _, at := range field.All() {
		for _, claim := range at.Changes {
			if all := seen[at.In+"."+at.Go+" "+claim.When]; !claim.Has(field.ByField) {
				assert.Empty(t, fieldtest.Short(claim, all), "%s says that a change does this, and nowhere it does; seen is: %s", at.Path, all)
			}
		}
	}
}
