package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoHearsOfWhat(t *testing.T) {
	app := App{
		Name:     "shop",
		Pipeline: &Pipeline{Account: "111111111111", Notify: []string{"team@example.com"}},
		Source:   &Source{CodeCommit: "shop"},
		Stages: []Stage{
			{Name: "dev"},
			{Name: "canary", CanaryOf: "prod", Region: "eu-west-1"},
			{
				Name: "prod", Approval: Manual, Database: &Database{Storage: 200},
				Alarms: Alarms{
					Topic: "arn:aws:sns:us-east-1:111111111111:alarms", Off: []AlarmID{AlarmInstanceCPU},
					Thresholds: Thresholds{LatencyP90: 8 * second},
				},
				Logs: Logs{Encrypted: true, Destination: &LogDestination{ARN: "arn:aws:logs:us-east-1:111111111111:destination:central"}},
			},
			{Name: "prod-eu", Alarms: Alarms{Notify: []string{"eu@example.com"}, Level: Essential}},
		},
	}
	resolved, err := app.Resolve()
	require.NoError(t, err)
	dev, canary, prod, eu := resolved.Stages[0], resolved.Stages[1], resolved.Stages[2], resolved.Stages[3]

	assert.Equal(t, []string{"team@example.com"}, dev.Alarms.Notify)
	assert.Equal(t, Essential, dev.Alarms.Level)
	assert.False(t, *dev.Logs.CountErrors)

	assert.Equal(t, Full, prod.Alarms.Level)
	assert.Empty(t, prod.Alarms.Notify, "its topic tells people")
	assert.Equal(t, 20, prod.Alarms.Thresholds.FreeStorage, "a tenth")
	assert.Equal(t, 8*second, prod.Alarms.Thresholds.LatencyP99, "never less than the ninetieth percentile")
	assert.True(t, *prod.Logs.CountErrors)

	assert.Equal(t, Essential, canary.Alarms.Level, "its gates are what it is for")
	assert.Empty(t, canary.Alarms.Topic, "that is in production's region")
	assert.Nil(t, canary.Logs.Destination, "that is in production's region")
	assert.Equal(t, []string{"team@example.com"}, canary.Alarms.Notify)
	assert.Equal(t, prod.Alarms.Off, canary.Alarms.Off)
	assert.Equal(t, 8*second, canary.Alarms.Thresholds.LatencyP90)
	assert.True(t, canary.Logs.Encrypted)

	assert.Equal(t, []string{"eu@example.com"}, eu.Alarms.Notify)
	assert.Equal(t, Essential, eu.Alarms.Level)

	again, err := resolved.Resolve()
	require.NoError(t, err)
	assert.Equal(t, resolved.Stages[2], again.Stages[2], "what is resolved stays as it is")
}

func TestWhoHears(t *testing.T) {
	for name, test := range map[string]struct {
		alarms         Alarms
		own, elsewhere bool
	}{
		"nobody":           {},
		"an address":       {Alarms{Notify: []string{"a@example.com"}}, true, true},
		"Slack":            {Alarms{Slack: &Slack{}}, true, true},
		"a webhook":        {Alarms{Webhooks: []string{"https://example.com"}}, true, true},
		"a hidden webhook": {Alarms{Webhooks: []string{"ssm:hook"}}, true, false},
		"a topic":          {Alarms{Topic: "arn", Notify: []string{"a@example.com"}}, false, false},
	} {
		assert.Equal(t, test.own, test.alarms.OwnTopic(), name)
		assert.Equal(t, test.elsewhere, test.alarms.Elsewhere().OwnTopic(), name)
	}
}
