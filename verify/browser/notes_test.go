package browser

import (
	"fmt"
	"testing"
)

// The text of the only note, and the field in which it is written.
const (
	noteText  = `[...document.querySelectorAll(".board .note text")].map(line => line.textContent).join("").trim()`
	noteField = `document.querySelector(".note-field")`
)

// typed puts text before or behind what is in the field, as somebody does who types.
func typed(p *tab, text string, before bool) {
	value[any](p, fmt.Sprintf(`(field => { field.value = %t ? %q + field.value : field.value + %q; field.dispatchEvent(new Event("input")); })(%s)`, before, text, text, noteField))
}

// notes has two people write in one note at once, one of them without a network for a while: in the end both have what both have written, and undo takes
// back one's own.
func notes(t *testing.T, browser chromium, d dev) {
	n := startNetwork(t, d.URL)
	a, b := openTab(t, browser, d.URL+"/?tenant=globex&dashboard=whiteboard&tool=note", desk), openTab(t, browser, n.URL+"/?tenant=globex&dashboard=whiteboard", desk)
	b.cut = true
	for _, p := range []*tab{a, b} {
		p.waitFor("the board", isLive+` && document.querySelectorAll(".people li").length >= 2`)
	}
	before := value[int](a, `document.querySelectorAll(".board .note").length`)
	if before != 0 {
		t.Fatalf("there are %d notes", before)
	}
	a.drag(300, 660, 301, 660)
	a.waitFor("a field to write in", noteField+` !== null`)
	typed(a, "plan", false)
	b.waitFor("what is written, while it is", noteText+` === "plan"`)
	value[any](b, `document.querySelector(".board .note rect").dispatchEvent(new MouseEvent("dblclick", { bubbles: true }))`)
	b.waitFor("a field to write in", noteField+`.value === "plan"`)
	typed(b, "the ", true)
	a.waitFor("in the field what the other writes", noteField+`.value === "the plan"`)
	n.set(down)
	b.waitFor("that the network is away", `document.querySelector("#connection").dataset.state === "reconnecting"`)
	typed(a, " of ann", false)
	typed(b, "this is ", true)
	b.waitFor("that it is kept", `/not sent yet/.test(document.querySelector(".unsent").textContent)`)
	n.set(up)
	const both = `this is the plan of ann`
	for _, p := range []*tab{a, b} {
		p.waitFor("what both have written", fmt.Sprintf(`%s.value === %q`, noteField, both))
		value[any](p, noteField+`.blur()`)
		p.waitFor("it on the board", fmt.Sprintf(`%s === %q`, noteText, both))
	}
	c := openTab(t, browser, d.URL+"/?tenant=globex&dashboard=whiteboard", desk)
	c.waitFor("what both have written, though it comes later", fmt.Sprintf(`%s === %q`, noteText, both))
	keepsWhatWasWritten(t, c)
	value[any](b, `document.querySelector("[data-panel=board] [aria-label=Undo]").click()`)
	for _, p := range []*tab{a, b, c} {
		p.waitFor("what is left when one has undone", noteText+` === "plan of ann"`)
	}
	value[any](a, `document.querySelector("[data-panel=board] [aria-label=Undo]").click()`)
	for _, p := range []*tab{a, b, c} {
		p.waitFor("no note when the other has, too", `document.querySelectorAll(".board .note").length === 0`)
	}
}
