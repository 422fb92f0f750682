// Package report gathers what there is to know of an application before it is
// deployed, for the people who approve it, pay for it and are called at night:
// the pipeline and its gates, and for each stage what it consists of, who reaches
// whom, what it costs, what was found, what watches it, and the commands that one
// needs. [Report.HTML] writes it as one page that opens from disk; as JSON its
// field names are stable.
//
// It repeats nothing: names, prices, the course of the pipeline, alarms and
// findings are those of the packages that say them, and topology and resources
// come from the synthesized templates.
//
// No value of an environment variable, parameter or secret is in it, whatever the
// declaration or the templates hold: it is made to be passed on.
package report
