package delivery

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A shell runs the commands of one build against stand-ins for aws, docker and
// sleep.
type shell struct {
	t      *testing.T
	folder string
	env    map[string]string
}

func newShell(t *testing.T, env map[string]string) *shell {
	t.Helper()
	s := &shell{t: t, folder: t.TempDir(), env: env}
	for _, tool := range []string{"aws", "docker", "sleep", "curl", "cdk", "npm", "go"} {
		text, err := os.ReadFile(filepath.Join("testdata", tool))
		require.NoError(t, err)
		s.file("bin/"+tool, string(text))
	}
	s.file("source/Dockerfile", "FROM scratch\n")
	return s
}

func (s *shell) file(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o755))
}

// image is what a tag points to, or nothing.
func (s *shell) image(region, tag string) string {
	text, err := os.ReadFile(filepath.Join(s.folder, "images", region, "guestbook_api", tag))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	require.NoError(s.t, err)
	return strings.TrimSpace(string(text))
}

func (s *shell) tagged(region, tag, digest string) {
	s.file(filepath.Join("images", region, "guestbook_api", tag), digest+"\n")
}

// run executes the command as it stands in a buildspec, and returns what it
// called, what it said and how it ended.
func (s *shell) run(text string) (calls []string, output string, ok bool) {
	s.t.Helper()
	return s.sh(*(*script(text))[0])
}

// sh runs commands as CodeBuild would.
func (s *shell) sh(commands string) (calls []string, output string, ok bool) {
	s.t.Helper()
	log := filepath.Join(s.folder, "log")
	require.NoError(s.t, os.WriteFile(log, nil, 0o644))
	// Whatever runs the command tests how it ended, which must not keep it
	// from ending at the first failure.
	command := exec.Command("sh", "-c", "if "+commands+"; then exit 0; else exit 1; fi")
	command.Dir = filepath.Join(s.folder, "source")
	command.Env = []string{"PATH=" + filepath.Join(s.folder, "bin") + ":/usr/bin:/bin", "FAKE=" + s.folder, "TMPDIR=" + s.folder}
	for name, value := range s.env {
		command.Env = append(command.Env, name+"="+value)
	}
	said, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	called, err := os.ReadFile(log)
	require.NoError(s.t, err)
	return strings.Split(strings.TrimSpace(string(called)), "\n"), string(said), exit == nil
}

// dockerCalls leaves out the look-ups.
func dockerCalls(calls []string) []string {
	var found []string
	for _, call := range calls {
		if strings.HasPrefix(call, "docker ") {
			found = append(found, call)
		}
	}
	return found
}

const (
	homeHost    = "111111111111.dkr.ecr.us-east-1.amazonaws.com"
	anotherHost = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
)

func buildShell(t *testing.T) *shell {
	return newShell(t, map[string]string{
		"ECR_IMAGE_URL":             homeHost + "/guestbook/api",
		"IMAGE_TAG":                 "c0ffee",
		"NODE_ENV":                  "production",
		"API_TOKEN":                 "not to be seen",
		"UNUSED":                    "x",
		"TINYSTACK_BUILD_VARIABLES": "API_TOKEN NODE_ENV UNUSED",
		"TINYSTACK_CONTEXT":         ".",
		"TINYSTACK_DOCKERFILE":      "Dockerfile",
		"TINYSTACK_PLATFORM":        "linux/amd64",
		"TINYSTACK_REGISTRIES":      "us-east-1=" + homeHost + " us-west-2=" + anotherHost,
		"TINYSTACK_REPOSITORY":      "guestbook/api",
	})
}

func TestBuildScript(t *testing.T) {
	const (
		loginHome    = "docker login --username AWS --password-stdin " + homeHost
		loginAnother = "docker login --username AWS --password-stdin " + anotherHost
		options      = "docker buildx build --platform linux/amd64 --file ./Dockerfile --tag " + homeHost + "/guestbook/api:c0ffee" +
			" --provenance=false --sbom=false --load --cache-to type=inline"
	)

	t.Run("first build", func(t *testing.T) {
		s := buildShell(t)
		s.file("source/Dockerfile", "FROM node\nARG NODE_ENV=development OTHER\n  arg API_TOKEN\n# ARG UNUSED\nARG UNUSED_TOO\n")
		calls, output, ok := s.run(buildScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{
			loginHome,
			loginAnother,
			options + " --build-arg API_TOKEN --build-arg NODE_ENV .",
			"docker push " + homeHost + "/guestbook/api:c0ffee",
			"docker tag " + homeHost + "/guestbook/api:c0ffee " + anotherHost + "/guestbook/api:c0ffee",
			"docker push " + anotherHost + "/guestbook/api:c0ffee",
			"docker tag " + homeHost + "/guestbook/api:c0ffee " + homeHost + "/guestbook/api:latest",
			"docker push " + homeHost + "/guestbook/api:latest",
			"docker tag " + homeHost + "/guestbook/api:c0ffee " + anotherHost + "/guestbook/api:latest",
			"docker push " + anotherHost + "/guestbook/api:latest",
		}, dockerCalls(calls))
		assert.Equal(t, "sha256:built", s.image("us-west-2", "c0ffee"))
		seen := strings.Join(calls, "\n") + output
		assert.NotContains(t, seen, "not to be seen")
		assert.NotContains(t, seen, "password-of", "the password goes through a pipe only")
	})

	t.Run("layers come from the last image", func(t *testing.T) {
		s := buildShell(t)
		s.tagged("us-east-1", "latest", "sha256:old")
		calls, output, ok := s.run(buildScript)
		require.True(t, ok, output)
		assert.Equal(t, options+" --cache-from type=registry,ref="+homeHost+"/guestbook/api:latest .", dockerCalls(calls)[2])
		assert.Equal(t, "sha256:built", s.image("us-east-1", "latest"))
	})

	t.Run("repeated build", func(t *testing.T) {
		s := buildShell(t)
		s.tagged("us-east-1", "c0ffee", "sha256:there")
		s.tagged("us-west-2", "c0ffee", "sha256:there")
		s.tagged("us-east-1", "latest", "sha256:newer")
		calls, output, ok := s.run(buildScript)
		require.True(t, ok, output)
		assert.Empty(t, dockerCalls(calls))
		assert.Contains(t, output, "nothing to build")
		assert.Equal(t, "sha256:newer", s.image("us-east-1", "latest"), "an older commit does not take it back")
	})

	t.Run("a region that lacks the image gets a copy", func(t *testing.T) {
		s := buildShell(t)
		s.tagged("us-east-1", "c0ffee", "sha256:there")
		calls, output, ok := s.run(buildScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{
			loginHome,
			loginAnother,
			"docker pull " + homeHost + "/guestbook/api:c0ffee",
			"docker tag " + homeHost + "/guestbook/api:c0ffee " + anotherHost + "/guestbook/api:c0ffee",
			"docker push " + anotherHost + "/guestbook/api:c0ffee",
		}, dockerCalls(calls))
		assert.Equal(t, "sha256:there", s.image("us-west-2", "c0ffee"))
	})

	t.Run("a failed push is made up for", func(t *testing.T) {
		s := buildShell(t)
		s.env["FAIL_PUSH"] = "*us-west-2*"
		_, _, ok := s.run(buildScript)
		assert.False(t, ok)
		assert.Equal(t, "sha256:built", s.image("us-east-1", "c0ffee"))
		assert.Empty(t, s.image("us-east-1", "latest"), "only a commit that is everywhere is the latest")
		delete(s.env, "FAIL_PUSH")
		calls, output, ok := s.run(buildScript)
		require.True(t, ok, output)
		assert.NotContains(t, strings.Join(calls, "\n"), "buildx")
		assert.Equal(t, "sha256:built", s.image("us-west-2", "c0ffee"))
	})

	for name, each := range map[string]struct {
		env  map[string]string
		want string
	}{
		"build fails":         {env: map[string]string{"FAIL_BUILD": "yes"}},
		"push fails":          {env: map[string]string{"FAIL_PUSH": "*us-east-1*"}, want: "denied"},
		"look-up fails":       {env: map[string]string{"FAIL_AWS": "ecr batch-get-image us-west-2"}, want: "cannot look up guestbook/api:c0ffee in us-west-2"},
		"log-in fails":        {env: map[string]string{"FAIL_AWS": "ecr get-login-password *"}, want: "AccessDenied"},
		"no Dockerfile":       {env: map[string]string{"TINYSTACK_CONTEXT": "nowhere"}, want: "there is no nowhere/Dockerfile in the source"},
		"variable is missing": {env: map[string]string{"TINYSTACK_PLATFORM": ""}, want: ""},
		"own buildspec pushed nothing": {
			env:  map[string]string{"TINYSTACK_COPY_ONLY": "true"},
			want: "the buildspec of this service did not push " + homeHost + "/guestbook/api:c0ffee: it has to tag the image with $IMAGE_TAG",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := buildShell(t)
			for variable, value := range each.env {
				if value == "" {
					delete(s.env, variable)
				} else {
					s.env[variable] = value
				}
			}
			_, output, ok := s.run(buildScript)
			assert.False(t, ok)
			assert.Contains(t, output, each.want)
			assert.Empty(t, s.image("us-east-1", "latest"))
		})
	}
}

func releaseShell(t *testing.T) *shell {
	s := newShell(t, map[string]string{
		"STAGE_NAME":        "canary",
		"TINYSTACK_COMMIT":  "c0ffee",
		"TINYSTACK_IMAGES":  "guestbook/api=TINYSTACK_COMMIT",
		"TINYSTACK_REGIONS": "us-east-1 us-west-2",
	})
	s.tagged("us-east-1", "c0ffee", "sha256:new")
	s.tagged("us-west-2", "c0ffee", "sha256:copy")
	return s
}

func TestReleaseScript(t *testing.T) {
	puts := func(calls []string) (n int) {
		for _, call := range calls {
			if strings.HasPrefix(call, "aws ecr put-image") {
				n++
			}
		}
		return n
	}

	t.Run("moves the tag", func(t *testing.T) {
		s := releaseShell(t)
		s.tagged("us-east-1", "canary", "sha256:old")
		calls, output, ok := s.run(releaseScript)
		require.True(t, ok, output)
		assert.Equal(t, "sha256:new", s.image("us-east-1", "canary"))
		assert.Equal(t, "sha256:copy", s.image("us-west-2", "canary"))
		assert.Equal(t, 2, puts(calls))
		assert.NotContains(t, output, "manifest")
	})

	t.Run("tolerates the tag that is there", func(t *testing.T) {
		s := releaseShell(t)
		s.tagged("us-east-1", "canary", "sha256:new")
		calls, output, ok := s.run(releaseScript)
		require.True(t, ok, output)
		assert.Equal(t, 1, puts(calls), "us-west-2 only")
		assert.Contains(t, output, "guestbook/api:canary is c0ffee in us-east-1 already")
	})

	for name, each := range map[string]struct{ fail, commit, want string }{
		"image is missing": {commit: "decaf", want: "guestbook/api:decaf is not in us-east-1"},
		"look-up fails":    {fail: "ecr batch-get-image us-west-2", want: "AccessDenied"},
		"tagging fails":    {fail: "ecr put-image us-east-1", want: "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			s := releaseShell(t)
			s.env["FAIL_AWS"] = each.fail
			if each.commit != "" {
				s.env["TINYSTACK_COMMIT"] = each.commit
			}
			_, output, ok := s.run(releaseScript)
			assert.False(t, ok)
			assert.Contains(t, output, each.want)
			assert.Empty(t, s.image("us-west-2", "canary"))
		})
	}
}

// What docs/rollback.md says moves a stage's tag does so.
func TestDocumentedMoveOfATag(t *testing.T) {
	page, err := os.ReadFile("../../docs/rollback.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(page), "<!-- tested: move -->\n   ```sh\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "```")
	s := newShell(t, map[string]string{"TINYSTACK_COMMIT": "c0ffee"})
	s.tagged("us-east-1", "c0ffee", "sha256:older")
	s.tagged("us-east-1", "prod", "sha256:newer")
	_, output, ok := s.run(block)
	require.True(t, ok, output)
	assert.Equal(t, "sha256:older", s.image("us-east-1", "prod"))
}

func bakeShell(t *testing.T, states ...string) *shell {
	s := newShell(t, map[string]string{
		"STAGE_NAME":             "canary",
		"STAGE_REGION":           "us-west-2",
		"TINYSTACK_BAKE_SECONDS": "75",
		"TINYSTACK_ALARMS":       "canary 5xx\ncanary-latency",
		"TINYSTACK_GATE_ROLE":    "arn:aws:iam::222222222222:role/guestbook-canary-gate",
	})
	for i, state := range states {
		s.file(fmt.Sprintf("alarms/%d", i), state)
	}
	return s
}

func TestBakeScript(t *testing.T) {
	const (
		quiet  = "canary 5xx\tOK\ncanary-latency\tINSUFFICIENT_DATA\n"
		alarm  = "canary 5xx\tALARM\ncanary-latency\tOK\n"
		absent = "canary-latency\tOK\n"
		look   = "aws cloudwatch describe-alarms --region us-west-2 --alarm-names canary 5xx canary-latency --query MetricAlarms[].[AlarmName,StateValue] --output text"
	)

	t.Run("quiet", func(t *testing.T) {
		s := bakeShell(t, quiet)
		calls, output, ok := s.run(bakeScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{look, "sleep 30", look, "sleep 30", look, "sleep 15", look}, calls)
		config, err := os.ReadFile(filepath.Join(s.folder, "config"))
		require.NoError(t, err)
		assert.Equal(t, "role_arn = arn:aws:iam::222222222222:role/guestbook-canary-gate\ncredential_source = EcsContainer\n", string(config))
	})

	t.Run("alarm", func(t *testing.T) {
		calls, output, ok := bakeShell(t, quiet, alarm).run(bakeScript)
		assert.False(t, ok)
		assert.Equal(t, []string{look, "sleep 30", look}, calls, "at once")
		assert.Contains(t, output, "canary 5xx went into alarm in canary: the commit stops here")
	})

	t.Run("alarm in the end", func(t *testing.T) {
		_, _, ok := bakeShell(t, quiet, quiet, quiet, alarm).run(bakeScript)
		assert.False(t, ok)
	})

	t.Run("alarm that is not there", func(t *testing.T) {
		_, output, ok := bakeShell(t, absent).run(bakeScript)
		assert.False(t, ok)
		assert.Contains(t, output, "there is no alarm canary 5xx in us-west-2")
	})

	t.Run("look-up fails", func(t *testing.T) {
		s := bakeShell(t, quiet)
		s.env["FAIL_AWS"] = "cloudwatch describe-alarms *"
		_, output, ok := s.run(bakeScript)
		assert.False(t, ok)
		assert.Contains(t, output, "AccessDenied")
	})

	t.Run("alarms from a sleep settle", func(t *testing.T) {
		s := bakeShell(t, alarm, alarm, quiet, alarm)
		s.env["TINYSTACK_SETTLE_SECONDS"] = "300"
		calls, output, ok := s.run(bakeScript)
		assert.False(t, ok, "only before the bake begins")
		assert.Equal(t, []string{look, "sleep 30", look, "sleep 30", look, "sleep 30", look}, calls)
		assert.Contains(t, output, "canary 5xx is in alarm since the stage slept")
		assert.Contains(t, output, "the commit stops here")

		s = bakeShell(t, alarm, alarm, quiet)
		s.env["TINYSTACK_SETTLE_SECONDS"] = "300"
		_, output, ok = s.run(bakeScript)
		assert.True(t, ok, output)

		s = bakeShell(t, alarm)
		s.env["TINYSTACK_SETTLE_SECONDS"] = "60"
		calls, _, ok = s.run(bakeScript)
		assert.False(t, ok)
		assert.Equal(t, []string{look, "sleep 30", look, "sleep 30", look}, calls, "and not for ever")
	})

	t.Run("no alarms", func(t *testing.T) {
		s := bakeShell(t)
		delete(s.env, "TINYSTACK_ALARMS")
		delete(s.env, "TINYSTACK_GATE_ROLE")
		calls, output, ok := s.run(bakeScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{"sleep 30", "sleep 30", "sleep 15"}, calls)
	})
}

func smokeShell(t *testing.T, answers ...string) *shell {
	s := newShell(t, map[string]string{
		"STAGE_NAME":              "dev",
		"STAGE_URL":               "https://dev.example.com/",
		"TINYSTACK_PATH":          "/up?deep=1",
		"TINYSTACK_STATUS":        "204",
		"TINYSTACK_SMOKE_SECONDS": "10",
	})
	for i, answer := range answers {
		s.file(fmt.Sprintf("answers/%d", i), answer)
	}
	return s
}

func TestSmokeScript(t *testing.T) {
	const ask = "curl https://dev.example.com/up?deep=1"

	t.Run("answers", func(t *testing.T) {
		calls, output, ok := smokeShell(t, "204").run(smokeScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{ask}, calls)
	})

	t.Run("answers in the end", func(t *testing.T) {
		calls, output, ok := smokeShell(t, "refused", "503", "204").run(smokeScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{ask, "sleep 5", ask, "sleep 5", ask}, calls)
		assert.Contains(t, output, "answered 503, not 204")
	})

	for name, answer := range map[string]string{"another status": "200", "no answer": "refused"} {
		t.Run(name, func(t *testing.T) {
			calls, output, ok := smokeShell(t, answer).run(smokeScript)
			assert.False(t, ok)
			assert.Equal(t, []string{ask, "sleep 5", ask, "sleep 5", ask}, calls)
			assert.Contains(t, output, "did not answer 204 within 10 seconds: the commit stops in dev")
		})
	}

	t.Run("no address", func(t *testing.T) {
		s := smokeShell(t, "204")
		delete(s.env, "STAGE_URL")
		_, _, ok := s.run(smokeScript)
		assert.False(t, ok)
	})
}

func sleepShell(t *testing.T, mode string) *shell {
	s := newShell(t, map[string]string{
		"AWS_REGION":           "us-east-1",
		"STAGE_NAME":           "canary",
		"STAGE_REGION":         "us-west-2",
		"TINYSTACK_DEPLOYS":    "guestbook-canary",
		"TINYSTACK_DESIRED":    "3",
		"TINYSTACK_LEAST":      "2",
		"TINYSTACK_MODE":       mode,
		"TINYSTACK_PIPELINE":   "guestbook",
		"TINYSTACK_SLEEP_ROLE": "arn:aws:iam::222222222222:role/guestbook-canary-sleep",
		"TINYSTACK_STACK":      "guestbook-canary-service",
	})
	s.file("state", "Succeeded\n")
	s.file("desired", "0\n")
	s.file("awake", "0\t2\n")
	return s
}

func TestSleepScript(t *testing.T) {
	// changes are the calls that change something, without what they share.
	changes := func(calls []string) []string {
		var found []string
		for _, call := range calls {
			for _, operation := range []string{"update-auto-scaling-group", "update-service", "register-scalable-target"} {
				if _, options, ok := strings.Cut(call, operation+" "); ok {
					options, _, _ = strings.Cut(options, " --profile")
					options = strings.NewReplacer("arn:aws:ecs:us-west-2:222222222222:service/cluster-1/", "", " --query service.desiredCount --output text", "").Replace(options)
					found = append(found, operation+" "+options)
				}
			}
		}
		return found
	}
	const (
		up     = "update-auto-scaling-group --auto-scaling-group-name group-1 --min-size 2 --desired-capacity 3"
		web    = "update-service --cluster cluster-1 --service web --desired-count "
		cache  = "update-service --cluster cluster-1 --service cache --desired-count "
		target = "register-scalable-target --service-namespace ecs --resource-id service/cluster-1/web --scalable-dimension ecs:service:DesiredCount --suspended-state "
		on     = target + "DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false"
		off    = target + "DynamicScalingInSuspended=true,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=true"
	)
	for _, mode := range []string{"wake", "awake"} {
		t.Run(mode, func(t *testing.T) {
			calls, output, ok := sleepShell(t, mode).run(sleepScript)
			require.True(t, ok, output)
			assert.Equal(t, []string{up, web + "2", on, cache + "2"}, changes(calls), "instances first")
			assert.Contains(t, output, "web is awake")
			for _, call := range calls {
				assert.Contains(t, call, "--region us-west-2", "the stage's region")
				assert.Contains(t, call, "--profile stage", "the stage's role")
			}
		})
	}
	t.Run("what has grown is left alone", func(t *testing.T) {
		s := sleepShell(t, "awake")
		s.file("desired", "5\n")
		s.file("awake", "4\t2\n")
		calls, output, ok := s.run(sleepScript)
		require.True(t, ok, output)
		assert.Equal(t, []string{strings.Replace(up, "capacity 3", "capacity 5", 1), on}, changes(calls))
	})
	t.Run("the first deployment finds nothing to wake", func(t *testing.T) {
		s := sleepShell(t, "wake")
		require.NoError(t, os.Remove(filepath.Join(s.folder, "awake")))
		calls, output, ok := s.run(sleepScript)
		require.True(t, ok, output)
		assert.Len(t, calls, 1)
	})
	t.Run("what does not come up", func(t *testing.T) {
		s := sleepShell(t, "wake")
		s.env["FAIL_WAIT"] = "yes"
		_, output, ok := s.run(sleepScript)
		assert.True(t, ok, "the deployment may be the cure: %s", output)
		s.env["TINYSTACK_MODE"] = "awake"
		_, output, ok = s.run(sleepScript)
		assert.False(t, ok)
		assert.Contains(t, output, "web did not come up in canary: the commit stops here")
	})
	for _, mode := range []string{"sleep", "failed"} {
		t.Run(mode, func(t *testing.T) {
			s := sleepShell(t, mode)
			calls, output, ok := s.run(sleepScript)
			require.True(t, ok, output)
			assert.Equal(t, []string{off, web + "0", cache + "0", "update-auto-scaling-group --auto-scaling-group-name group-1 --min-size 0 --desired-capacity 0"}, changes(calls),
				"scaling would bring tasks back")
			assert.Equal(t, mode == "failed", strings.Contains(strings.Join(calls, "\n"), "sleep 120"), "the way back begins a little later")

			s.file("state", "InProgress\n")
			calls, output, ok = s.run(sleepScript)
			require.True(t, ok, output)
			assert.Empty(t, changes(calls), "another commit is there, or the one before comes back")
		})
	}
	for _, call := range []string{"cloudformation list-stack-resources*", "autoscaling *", "ecs *", "application-autoscaling *"} {
		for _, mode := range []string{"awake", "sleep"} {
			s := sleepShell(t, mode)
			s.env["FAIL_AWS"] = call
			_, _, ok := s.run(sleepScript)
			assert.False(t, ok, "%s: %s fails", mode, call)
		}
	}
}

func reviewShell(t *testing.T, said string) *shell {
	s := newShell(t, map[string]string{
		"AWS_REGION":         "us-east-1",
		"S3_BUCKET":          "artifacts",
		"CODEBUILD_BUILD_ID": "project:0123-abc",
		"TINYSTACK_REVIEWS":  "reviews/prod",
		"TINYSTACK_STACKS":   "App/prod/**\nApp/prod-eu/**",
	})
	s.file("diff", said)
	s.file("source/manifest.json", `{"version": "55.0.0", "minimumCliVersion": "2.1147.0"}`)
	return s
}

func TestReviewScript(t *testing.T) {
	const (
		differs = "Stack prod/service\nResources\n[~] AWS::ECS::Service Web\n\n✨  Number of stacks with differences: 2\n"
		diff    = "cdk@" + cdkVersion + " --app . diff App/prod/** App/prod-eu/** --exclusively --method=template --ci --no-color --no-notices"
	)
	t.Run("what would change is kept and said", func(t *testing.T) {
		s := reviewShell(t, differs)
		calls, output, ok := s.run(withCDK(reviewScript))
		require.True(t, ok, output)
		require.Len(t, calls, 3)
		assert.Equal(t, diff, calls[1])
		assert.Regexp(t, `^aws s3 cp --region us-east-1 --only-show-errors --content-type text/plain; charset=utf-8 \S+ s3://artifacts/reviews/prod/0123-abc.txt$`, calls[2])
		kept, err := os.ReadFile(filepath.Join(s.folder, "stored"))
		require.NoError(t, err)
		assert.Equal(t, differs, string(kept))
		assert.Contains(t, output, "AWS::ECS::Service Web", "in the log, too")
		for name, want := range map[string]string{"review": "reviews/prod/0123-abc.txt", "changed": "2"} {
			said, err := os.ReadFile(filepath.Join(s.folder, "source", "tinystack-"+name))
			require.NoError(t, err)
			assert.Equal(t, want, strings.TrimSpace(string(said)))
		}
	})
	t.Run("a comparison that fails is no review", func(t *testing.T) {
		s := reviewShell(t, "cannot assume the role\n")
		s.env["FAIL_CDK"] = "yes"
		calls, output, ok := s.run(withCDK(reviewScript))
		assert.False(t, ok)
		assert.Contains(t, output, "cannot assume the role")
		assert.Len(t, calls, 2)
	})
	t.Run("nor is one that says nothing", func(t *testing.T) {
		_, output, ok := reviewShell(t, "hello\n").run(withCDK(reviewScript))
		assert.False(t, ok)
		assert.Contains(t, output, "did not say how many stacks change")
	})
}

// No step swallows a failure: whichever call of whatever tool fails, while all
// others succeed, the script fails.
func TestNoStepSwallowsAFailure(t *testing.T) {
	for name, step := range map[string]struct {
		shell func(*testing.T) *shell
		text  string
		calls map[string]int
	}{
		"build":   {buildShell, buildScript, map[string]int{"aws": 6, "docker": 10}},
		"release": {releaseShell, releaseScript, map[string]int{"aws": 10}},
		"bake": {func(t *testing.T) *shell { return bakeShell(t, "canary 5xx\tOK\ncanary-latency\tOK\n") },
			bakeScript, map[string]int{"aws": 4, "sleep": 3}},
	} {
		for tool, calls := range step.calls {
			t.Run(name+" "+tool, func(t *testing.T) {
				whole, err := os.ReadFile(filepath.Join("testdata", tool))
				require.NoError(t, err)
				for failing := 0; failing <= calls; failing++ {
					s := step.shell(t)
					s.file("whole", string(whole))
					s.file("bin/"+tool, "#!/bin/bash\necho >>\"$FAKE/counted\"\n"+
						"[ \"$(wc -l <\"$FAKE/counted\")\" -ne \"$FAILING\" ] || exit 3\nexec \"$FAKE/whole\" \"$@\"\n")
					s.env["FAILING"] = fmt.Sprint(failing)
					_, output, ok := s.run(step.text)
					assert.Equal(t, failing == 0, ok, "call %d fails: %s", failing, output)
					if failing == 0 {
						counted, err := os.ReadFile(filepath.Join(s.folder, "counted"))
						require.NoError(t, err)
						assert.Len(t, counted, calls, "all calls are tried")
					}
				}
			})
		}
	}
}

// What stands in a template is the script, and can be read by a shell.
func TestScriptsInTemplate(t *testing.T) {
	for name, text := range map[string]string{"build": buildScript, "release": releaseScript, "bake": bakeScript, "smoke": smokeScript, "review": withCDK(reviewScript), "synth": withCDK(synthScript), "update": withCDK(updateScript), "sleep": sleepScript} {
		command := *(*script(text))[0]
		assert.NotContains(t, command, "\n#", name)
		assert.Contains(t, command, "set -euo pipefail", name)
		output, err := exec.Command("sh", "-n", "-c", command).CombinedOutput()
		assert.NoError(t, err, "%s: %s", name, output)
	}
}
