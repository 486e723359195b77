// Package words makes random words of 128 bits, and finds them in bytes, whatever form they have there: as they are, escaped, in base64, in part.
package words
