package cmdbexport

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// EncodingGBK is the encoding in which Excel in Chinese saves CSV. GBK is read as GB18030,
// which holds it.
const EncodingGBK = "gbk"

// decode returns the text of an export in UTF-8, without a byte order mark.
func decode(data []byte, encoding string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, errors.New("is an Excel workbook (.xlsx), expected CSV: save it as CSV UTF-8")
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return nil, errors.New("is an Excel workbook (.xls), expected CSV: save it as CSV UTF-8")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		text, err := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
		if err != nil {
			return nil, fmt.Errorf("is not UTF-16 text, as its first bytes say: %w", err)
		}
		data = text
	case encoding == EncodingGBK && !bytes.HasPrefix(data, bom):
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, errors.New("is not GBK text, expected no --encoding, or the file saved as CSV UTF-8")
		}
		data = text
	case !utf8.Valid(data):
		return nil, errors.New("is not UTF-8 text; if Excel in Chinese saved it, give --encoding gbk, else save it as CSV UTF-8")
	}
	data = bytes.TrimPrefix(data, bom)
	return data, strict.CheckText(data)
}

var bom = []byte("\xef\xbb\xbf")
