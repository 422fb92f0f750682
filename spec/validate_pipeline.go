package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

var (
	accountPattern = compile(`^[0-9]{12}$`)
	emailPattern   = compile(`^[^@\s,;<>"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$`)

	repositoryPattern = compile(`^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+$`)
	connectionPattern = compile(`^arn:aws[a-z-]*:(?:codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[A-Za-z0-9-]+$`)
	codeCommitPattern = compile(`^[A-Za-z0-9_.-]{1,100}$`)
	bucketPattern     = compile(`^[a-z0-9](?:[a-z0-9-]|\.[a-z0-9]){1,61}[a-z0-9]$`)
	branchPattern     = compile(`^[A-Za-z0-9_][A-Za-z0-9_./@+#-]{0,254}$`)
)

// retentionDays are the retention times that CloudWatch Logs accepts.
var retentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (p Pipeline) validate(r report) {
	account := r.field("account")
	if account.required(p.Account, "12 digits", "give the account that holds the pipeline") {
		validateAccount(account, p.Account)
	}
	validateRegion(r.field("region"), p.Region)
	for i, address := range p.Notify {
		at := r.field("notify").item(i)
		at.matches(address, emailPattern, "an e-mail address", "an address, as in team@example.com", "correct the address")
		if slices.Contains(p.Notify[:i], address) {
			at.fail(at.quote(address)+" is listed twice", "each address once", "remove it")
		}
	}
	for i, command := range p.Synth {
		if strings.TrimSpace(command) == "" {
			r.field("synth").item(i).fail("is empty", "a shell command", "remove it")
		}
	}
	validateRetention(r.field("logRetentionDays"), p.LogRetentionDays)
	p.Logs.validate(r.field("logs"), p.Region, p.Account)
	if p.Declaration != nil {
		p.Declaration.validate(r.field("declaration"), &p)
	}
	if mode := r.field("executionMode"); p.ExecutionMode == "parallel" {
		mode.fail("parallel lets two commits deploy to one stage at the same time, the older one perhaps last", "superseded or queued", "use queued, if every commit has to go through")
	} else {
		oneOf(mode, p.ExecutionMode, "an execution mode", Superseded, Queued)
	}
	r.field("approvalTimeout").lasting(p.ApprovalTimeout, 5*minute, 60*24*hour, minute)
	r.field("keepImages").between(p.KeepImages, 1, 1000, "a number of images", "", "say how many commits a rollback may go back")
}

func validateAccount(r report, account string) bool {
	fix := "look it up with: aws sts get-caller-identity"
	if len(account) == 11 {
		fix = "put it in quotes with its leading zero"
	}
	return r.matches(account, accountPattern, "an account id", "12 digits", fix)
}

func validateRegion(r report, region string) bool {
	if isRegion(region) || isToken(region) {
		return true
	}
	fix := didYouMean(region, Regions())
	if fix == "" {
		fix = "use the code of a region, not its name"
	}
	r.fail(r.quote(region)+" is not an AWS region", phrase.List(Regions(), "or"), fix)
	return false
}

func validateRetention(r report, days int) {
	if slices.Contains(retentionDays, days) {
		return
	}
	allowed := make([]string, len(retentionDays))
	for i, n := range retentionDays {
		allowed[i] = strconv.Itoa(n)
	}
	nearest := slices.MinFunc(retentionDays, func(a, b int) int { return distance(a, days) - distance(b, days) })
	r.fail(r.show(days)+" days are not a retention time of CloudWatch Logs", phrase.List(allowed, "or"), fmt.Sprintf("use %d", nearest))
}

func distance(a, b int) int { return max(a-b, b-a) }

// validate checks a source for a pipeline; without a pipeline, what can be
// checked all the same.
func (s Source) validate(r report, pipeline *Pipeline) {
	const kinds = "repository and connection, codeCommit, or bucket and key"
	var given []string
	if s.Repository != "" || s.Connection != "" {
		given = append(given, "repository")
	}
	if s.CodeCommit != "" {
		given = append(given, "codeCommit")
	}
	if s.Bucket != "" || s.Key != "" {
		given = append(given, "bucket")
	}
	switch len(given) {
	case 0:
		r.fail("names no source", kinds, "give one of them")
	case 1:
	default:
		r.fail(phrase.List(given, "and")+" are given together", "one of "+kinds, "remove the others")
	}
	if s.Repository != "" || s.Connection != "" {
		s.validateRepository(r, pipeline)
	}
	if s.CodeCommit != "" {
		r.field("codeCommit").matches(s.CodeCommit, codeCommitPattern, "the name of a CodeCommit repository", "1 to 100 letters, digits and . _ -", "give the repository's name, not its URL")
	}
	if s.Bucket != "" || s.Key != "" {
		s.validateObject(r)
	}
	s.validateFilters(r)
	if s.Branch == "" {
		return
	}
	branch := r.field("branch")
	switch {
	case s.Bucket != "":
		branch.fail("an object in S3 has no branch", "", "remove it")
	case strings.Contains(s.Branch, "..") || strings.HasSuffix(s.Branch, "/"):
		branch.fail(branch.quote(s.Branch)+" is not the name of a branch", "a branch, as in main", "give the branch's name")
	default:
		branch.matches(s.Branch, branchPattern, "the name of a branch", "a branch, as in main", "give the branch's name, without refs/heads/")
	}
}

// place is what a source is, whichever branch of it is followed.
func (s Source) place() string {
	return strings.Join([]string{s.Repository, s.CodeCommit, s.Bucket, s.Key}, "\n")
}

func (s Source) validateRepository(r report, pipeline *Pipeline) {
	repository, connection := r.field("repository"), r.field("connection")
	if repository.required(s.Repository, "owner/name", "name the repository that the connection reaches") {
		fix := "give owner and name"
		if strings.Contains(s.Repository, "://") || strings.HasPrefix(s.Repository, "git@") {
			fix = "give owner and name, not the URL"
		}
		repository.matches(s.Repository, repositoryPattern, "a repository", "owner/name", fix)
	}
	if !connection.required(s.Connection, "the ARN of a CodeConnections connection", "make a connection in the console (Developer Tools, Settings, Connections) and give its ARN") ||
		!connection.matches(s.Connection, connectionPattern, "the ARN of a connection", "arn:aws:codeconnections:REGION:ACCOUNT:connection/ID", "copy the ARN from the console: Developer Tools, Settings, Connections") ||
		pipeline == nil || isToken(s.Connection) {
		return
	}
	if arnPart(s.Connection, 3) != pipeline.Region {
		connection.fail(connection.quote(s.Connection)+" is not in the pipeline's region "+r.quote(pipeline.Region), "a connection in that region", "make the connection there, or move the pipeline")
	}
	if arnPart(s.Connection, 4) != pipeline.Account {
		connection.warn(connection.quote(s.Connection)+" is not in the pipeline's account "+r.quote(pipeline.Account), "share the connection with that account, or make one there")
	}
}

// mostPatterns is the number of patterns of each kind that a filter of a
// CodePipeline trigger takes.
const mostPatterns = 8

var globPattern = compile(`^!?[^\s!]\S{0,254}$`)

// validateFilters checks what is to start the pipeline.
func (s Source) validateFilters(r report) {
	filters := map[string][]string{"branches": s.Branches, "paths": s.Paths, "tags": s.Tags}
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		patterns, at := filters[name], r.field(name)
		if len(patterns) == 0 {
			continue
		}
		if s.CodeCommit != "" || s.Bucket != "" {
			at.fail("filters pushes, which CodePipeline does for connections only", "", "remove it, or reach the repository over a connection")
			continue
		}
		if name != "tags" && len(s.Tags) > 0 {
			at.fail("is given beside tags, and a push is either of a branch or of a tag", name+" or tags", "remove one of the two")
		}
		excluding := 0
		for i, pattern := range patterns {
			at.item(i).matches(pattern, globPattern, "a pattern", "1 to 255 characters without spaces, as in release/* or !docs/**", "correct the pattern")
			if strings.HasPrefix(pattern, "!") {
				excluding++
			}
		}
		if most := max(excluding, len(patterns)-excluding); most > mostPatterns {
			at.fail(fmt.Sprintf("has %d patterns of one kind", most), fmt.Sprintf("up to %d that include and %d that exclude", mostPatterns, mostPatterns), "join patterns with * and **")
		}
	}
}

func (s Source) validateObject(r report) {
	bucket, key := r.field("bucket"), r.field("key")
	if bucket.required(s.Bucket, "the name of a bucket", "name the bucket that holds the key") {
		bucket.matches(s.Bucket, bucketPattern, "the name of a bucket", "3 to 63 lower-case letters, digits, dots and hyphens", "give the bucket's name, without s3://")
	}
	if !key.required(s.Key, "the key of a zip object", "name the object in the bucket") || isToken(s.Key) {
		return
	}
	if len(s.Key) > 1024 || strings.HasPrefix(s.Key, "/") || !strings.HasSuffix(s.Key, ".zip") {
		key.fail(key.quote(s.Key)+" is not the key of a zip object", "a key that ends with .zip and does not begin with a slash", "pack the source as a zip")
	}
}

// buildNames are the variables of every image build and release that come from
// the pipeline.
var buildNames = []string{
	"CLUSTER_ARN", "ECR_ENDPOINT", "ECR_IMAGE_URL", "IMAGE_TAG", "PREVIOUS_STAGE_NAME", "REGIONAL_ECR_ENDPOINT",
	"REGIONAL_ECR_IMAGE_URL", "S3_BUCKET", "SERVICE_NAME", "STAGE_NAME", "STAGE_REGION", "STAGE_URL",
}

func (b Build) validate(r report) {
	r.field("timeout").lasting(b.Timeout, 5*minute, 8*hour, minute)
	r = r.field("variables")
	for _, name := range slices.Sorted(maps.Keys(b.Variables)) {
		at := r.field(name)
		switch {
		case slices.Contains(buildNames, name):
			at.fail("is a variable that the pipeline sets itself", "another name", "rename it")
		case strings.HasPrefix(name, "TINYSTACK_"):
			at.fail("begins with TINYSTACK_, which the pipeline keeps for itself", "another name", "rename it")
		case strings.HasPrefix(name, "CODEBUILD_"):
			at.fail("begins with CODEBUILD_, which CodeBuild keeps for itself", "another name", "rename it")
		default:
			validateVariableName(at, name)
		}
		validateVariableValue(at, b.Variables[name])
	}
}
