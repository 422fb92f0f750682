package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// zonesOf lists the commercial AWS regions and the ids of their availability
// zones ("AWS Availability Zones", AWS Regions and Availability Zones user
// guide, read 2026-11). Zone ids mean the same place in every account; zone
// names do not.
var zonesOf = map[string][]string{
	"af-south-1":     zoneIDs("afs1", 1, 2, 3),
	"ap-east-1":      zoneIDs("ape1", 1, 2, 3),
	"ap-east-2":      zoneIDs("ape2", 1, 2, 3),
	"ap-northeast-1": zoneIDs("apne1", 1, 2, 3, 4),
	"ap-northeast-2": zoneIDs("apne2", 1, 2, 3, 4),
	"ap-northeast-3": zoneIDs("apne3", 1, 2, 3),
	"ap-south-1":     zoneIDs("aps1", 1, 2, 3),
	"ap-south-2":     zoneIDs("aps2", 1, 2, 3),
	"ap-southeast-1": zoneIDs("apse1", 1, 2, 3),
	"ap-southeast-2": zoneIDs("apse2", 1, 2, 3),
	"ap-southeast-3": zoneIDs("apse3", 1, 2, 3),
	"ap-southeast-4": zoneIDs("apse4", 1, 2, 3),
	"ap-southeast-5": zoneIDs("apse5", 1, 2, 3),
	"ap-southeast-6": zoneIDs("apse6", 1, 2, 3),
	"ap-southeast-7": zoneIDs("apse7", 1, 2, 3),
	"ca-central-1":   zoneIDs("cac1", 1, 2, 4),
	"ca-west-1":      zoneIDs("caw1", 1, 2, 3),
	"eu-central-1":   zoneIDs("euc1", 1, 2, 3),
	"eu-central-2":   zoneIDs("euc2", 1, 2, 3),
	"eu-north-1":     zoneIDs("eun1", 1, 2, 3),
	"eu-south-1":     zoneIDs("eus1", 1, 2, 3),
	"eu-south-2":     zoneIDs("eus2", 1, 2, 3),
	"eu-west-1":      zoneIDs("euw1", 1, 2, 3),
	"eu-west-2":      zoneIDs("euw2", 1, 2, 3, 4),
	"eu-west-3":      zoneIDs("euw3", 1, 2, 3),
	"il-central-1":   zoneIDs("ilc1", 1, 2, 3),
	"me-central-1":   zoneIDs("mec1", 1, 2, 3),
	"me-south-1":     zoneIDs("mes1", 1, 2, 3),
	"me-west-1":      nil, // new: its zones are not documented yet
	"mx-central-1":   zoneIDs("mxc1", 1, 2, 3),
	"sa-east-1":      zoneIDs("sae1", 1, 2, 3),
	"sa-west-1":      nil, // new: its zones are not documented yet
	"us-east-1":      zoneIDs("use1", 1, 2, 3, 4, 5, 6),
	"us-east-2":      zoneIDs("use2", 1, 2, 3),
	"us-west-1":      zoneIDs("usw1", 1, 2, 3),
	"us-west-2":      zoneIDs("usw2", 1, 2, 3, 4),
}

// vpcLinkZones lists the availability zones in which API Gateway offers VPC
// links ("Set up VPC links V2 in API Gateway", API Gateway developer guide,
// read 2026-11). The guide does not name the regions that are missing here.
var vpcLinkZones = map[string][]string{
	"ap-east-1":      zoneIDs("ape1", 2, 3),
	"ap-northeast-1": zoneIDs("apne1", 1, 2, 4),
	"ap-northeast-2": zoneIDs("apne2", 1, 2, 3),
	"ap-south-1":     zoneIDs("aps1", 1, 2, 3),
	"ap-southeast-1": zoneIDs("apse1", 1, 2, 3),
	"ap-southeast-2": zoneIDs("apse2", 1, 2, 3),
	"ca-central-1":   zoneIDs("cac1", 1, 2),
	"eu-central-1":   zoneIDs("euc1", 1, 2, 3),
	"eu-north-1":     zoneIDs("eun1", 1, 2, 3),
	"eu-south-2":     zoneIDs("eus2", 1, 2, 3),
	"eu-west-1":      zoneIDs("euw1", 1, 2, 3),
	"eu-west-2":      zoneIDs("euw2", 1, 2, 3),
	"eu-west-3":      zoneIDs("euw3", 1, 3),
	"me-south-1":     zoneIDs("mes1", 1, 2, 3),
	"sa-east-1":      zoneIDs("sae1", 1, 2, 3),
	"us-east-1":      zoneIDs("use1", 1, 2, 4, 5, 6),
	"us-east-2":      zoneIDs("use2", 1, 2, 3),
	"us-west-1":      zoneIDs("usw1", 1, 3),
	"us-west-2":      zoneIDs("usw2", 1, 2, 3, 4),
}

func zoneIDs(prefix string, numbers ...int) []string {
	ids := make([]string, len(numbers))
	for i, n := range numbers {
		ids[i] = prefix + "-az" + string(rune('0'+n))
	}
	return ids
}

// defaultRegion is where a pipeline and stages are that name no region.
const defaultRegion = "us-east-1"

// Regions lists the AWS regions a stage can be in, sorted.
func Regions() []string { return slices.Sorted(maps.Keys(zonesOf)) }

// isRegion says whether the name is one of a region.
func isRegion(name string) bool {
	_, known := zonesOf[name]
	return known
}

func validateRegion(r report, region string) bool {
	if isRegion(region) || isToken(region) {
		return true
	}
	if partition := partitionOf(region); partition != "" {
		r.fail(r.quote(region)+" is a region of "+partition+", a partition of AWS with accounts, ARNs and services of its own, which tinystack does not make templates for", "a region of the partition aws, as in eu-central-1", "choose such a region")
		return false
	}
	fix := suggest.DidYouMean(region, Regions())
	if fix == "" {
		fix = "use the code of a region, not its name"
	}
	r.fail(r.quote(region)+" is not an AWS region", phrase.List(Regions(), "or"), fix)
	return false
}

// otherPartitions are those beside the commercial one, by how the codes of their
// regions begin (the AWS SDKs' partitions.json, read 2026-11).
var otherPartitions = map[string]string{
	"us-gov-": "AWS GovCloud (US)",
	"cn-":     "AWS China",
	"eusc-":   "the AWS European Sovereign Cloud",
	"us-iso":  "AWS's isolated regions",
	"eu-iso":  "AWS's isolated regions",
}

// partitionOf names the partition of a region that is not of the commercial one.
func partitionOf(region string) string {
	for prefix, partition := range otherPartitions {
		if strings.HasPrefix(region, prefix) {
			return partition
		}
	}
	return ""
}

// isZoneID says whether the text is built like the id of a zone of the region;
// AWS adds zones, so the region may have more of them than are listed here.
func isZoneID(region, id string) bool {
	zones := zonesOf[region]
	if len(zones) == 0 {
		return true
	}
	prefix, _, _ := strings.Cut(zones[0], "-")
	number, ok := strings.CutPrefix(id, prefix+"-az")
	return ok && zoneNumber.MatchString(number)
}

var zoneNumber = compile(`^[1-9][0-9]?$`)

// isZoneName says whether the text is built like the name of a zone of the
// region.
func isZoneName(region, name string) bool {
	letter, ok := strings.CutPrefix(name, region)
	return ok && len(letter) == 1 && letter >= "a" && letter <= "z"
}

// defaultZones are the two zones a new network uses. Empty where no list of
// them is known: the account's own first two zones are used.
func defaultZones(region string) []string {
	zones := vpcLinkZones[region]
	if len(zones) < 2 {
		return nil
	}
	return slices.Clone(zones[:2])
}

// LacksVPCLinks says whether the region is one for which AWS documents no VPC
// links for API Gateway.
func LacksVPCLinks(region string) bool { return isRegion(region) && len(vpcLinkZones[region]) == 0 }
