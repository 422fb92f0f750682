// Package yamledit edits the text of a declaration: it adds, removes and
// moves stages and changes their approval, and leaves every byte outside the
// edited place as it is: comments, order, quotes, line ends, block and flow
// style.
//
// A general YAML encoder writes a document anew and loses all of that. So the
// parser only says where things stand, and the edit is made in the text. No
// edit is trusted: its result is read again by package spec, has to have the
// stages that were asked for, and has to say the same as before of everything
// else. What cannot be edited like that is refused with the reason, and left to
// the person's own hands.
package yamledit
