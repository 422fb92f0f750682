package spec

const (
	// DefaultLogRetentionDays is how long a log is kept where nothing else is
	// said.
	DefaultLogRetentionDays = 14

	// DefaultRunbooks is where this project says what to do about an alarm.
	DefaultRunbooks = "https://github.com/tinystack-go/tinystack/blob/main/docs/runbooks.md"

	defaultErrorPattern  = "?ERROR ?Error ?FATAL ?CRITICAL ?panic ?Traceback ?Exception"
	leastFreeStorageGB   = 2
	defaultLatencyP99    = 5 * second
	defaultServiceLoad   = 90
	defaultDatabaseLoad  = 80
	defaultErrorRate     = 5
	defaultMinRequests   = 20
	defaultErrorLines    = 50
	defaultLatencyP90    = 2 * second
	defaultReplicaLag    = 10 * minute
	shareOfFreeStorageGB = 10
)

// setMonitoringDefaults comes after those of production and the database.
func (s *Stage) setMonitoringDefaults(app App) {
	if *s.Production && s.CanaryOf == "" {
		fill(&s.Alarms.Level, Full)
	}
	fill(&s.Alarms.Level, Essential)
	fill(&s.Alarms.Runbooks, DefaultRunbooks)
	if app.Pipeline != nil && s.Alarms.Topic == "" && len(s.Alarms.Notify) == 0 {
		s.Alarms.Notify = clone(app.Pipeline.Notify)
	}
	s.Alarms.Thresholds.setDefaults(s.Database)
	fillPtr(&s.Dashboard, true)
	s.Logs.setDefaults(*s.Production)
}

func (t *Thresholds) setDefaults(database *Database) {
	fill(&t.ErrorRate, defaultErrorRate)
	fill(&t.MinRequests, defaultMinRequests)
	fill(&t.LatencyP90, defaultLatencyP90)
	fill(&t.LatencyP99, max(defaultLatencyP99, t.LatencyP90))
	fill(&t.ServiceCPU, defaultServiceLoad)
	fill(&t.ServiceMemory, defaultServiceLoad)
	fill(&t.InstanceCPU, defaultServiceLoad)
	fill(&t.ErrorLines, defaultErrorLines)
	fill(&t.DatabaseCPU, defaultDatabaseLoad)
	fill(&t.DatabaseConnections, defaultDatabaseLoad)
	fill(&t.ReplicaLag, defaultReplicaLag)
	if database != nil && database.Existing == nil {
		fill(&t.FreeStorage, max(leastFreeStorageGB, database.Storage/shareOfFreeStorageGB))
	}
}

func (l *Logs) setDefaults(production bool) {
	fillPtr(&l.CountErrors, production)
	fill(&l.ErrorPattern, defaultErrorPattern)
}
