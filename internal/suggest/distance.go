package suggest

// farthest is the longest name that is worth the time; what is longer is no
// slip of the keyboard.
const farthest = 64

// Distance is the number of bytes to insert, delete, replace or swap with their
// neighbour that makes one name of the other (the optimal string alignment
// distance). It is at least 64 where either name is longer than that.
func Distance(a, b string) int {
	if len(a) > farthest || len(b) > farthest {
		return farthest
	}
	// Only the last two rows of the matrix are ever looked at.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
