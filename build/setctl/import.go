package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/polaris-contrib/setrouter/internal/atomicfile"
	"github.com/polaris-contrib/setrouter/internal/cmdbexport"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// importFlags are the flags of `setctl import`.
type importFlags struct {
	from, to string
	fields   map[string]*string // by the column of the mapping file
	labels   []string           // KEY=VALUE
	names    []string
	options  cmdbexport.Options
	strictly bool
}

// importFields are the columns of a mapping file that have a flag of their own.
var importFields = []string{"region", "zone", "campus", "set", "shared"}

// newImport returns the command `setctl import`.
func newImport(out *output) *cobra.Command {
	f := importFlags{fields: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "import --from FILE --match COLUMN --region COLUMN ...",
		Short: "write a mapping CSV from an export of a CMDB",
		Long: "Import writes a mapping file in CSV from an export of a CMDB: CSV, or a list in JSON. A value is\n" +
			"the name of a column, or after = a text in which {COLUMN} stands for a column: --region =south,\n" +
			"--match '={Subnet}/{Mask}'. In JSON a column is a path of keys, as status.value. A cell can have\n" +
			"several addresses. Standard error says what was left out, and why. What is written loads.\n" +
			"Nothing is written, and the exit code is 1, if nothing was taken.",
		Example: "  setctl import --from prefixes.csv --match Prefix --where Status=Active --names sites.csv\n" +
			"  setctl import --from hosts.csv --skip-rows 2 --match bk_host_innerip --region =south --zone city --campus idc\n" +
			"  setctl import --from ip-ranges.json --rows prefixes --match ip_prefix --region region",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, out) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "the export; - is standard input")
	flags.StringVar(&f.to, "to", "", "replace this file in one step; without it the mapping goes to standard output")
	flags.StringVar(&f.options.Match, "match", "", "the addresses, prefixes and ranges")
	for _, name := range importFields {
		f.fields[name] = flags.String(name, "", "the "+name+" of the addresses")
	}
	flags.StringArrayVar(&f.labels, "label", nil, "KEY=VALUE: a label; may be given several times")
	flags.StringArrayVar(&f.names, "names", nil, "a CSV table of names: its first column is a column of the export, the others are region, zone, campus, set, ...")
	flags.StringArrayVar(&f.options.Where, "where", nil, "COLUMN=VALUE or COLUMN!=VALUE: leave out other rows. Several values of one column are alternatives")
	flags.IntVar(&f.options.SkipRows, "skip-rows", 0, "rows before the row with the names of the columns; their cells are names, too")
	flags.StringVar(&f.options.Rows, "rows", "", "the list in a JSON file: a path of keys, as data.info")
	flags.StringVar(&f.options.Encoding, "encoding", "", "gbk, as Excel in Chinese saves CSV; UTF-8 by default")
	flags.BoolVar(&f.options.Hosts, "hosts", false, "addresses are hosts: 10.1.7.4/24 is 10.1.7.4")
	flags.BoolVar(&f.strictly, "strict", false, "write nothing, and exit with 1, if more was left out than --where says")
	return cmd
}

// run reads the export and writes the mapping file.
func (f *importFlags) run(cmd *cobra.Command, out *output) error {
	if err := f.complete(); err != nil {
		return err
	}
	file, err := readExport(f.from, cmd.InOrStdin())
	if err != nil {
		return err
	}
	result, err := cmdbexport.Import(file, f.options)
	if err != nil && result.Rows == 0 {
		return failure{fmt.Errorf("%s: %w", file.Name, err)}
	}
	report := importReport{file.Name, result}
	if err := out.write(cmd.ErrOrStderr(), report, report.text); err != nil {
		return err
	}
	if err != nil {
		return failure{fmt.Errorf("%s: %w, and nothing is written", file.Name, err)}
	}
	if left := result.Faults(); f.strictly && left > 0 {
		return failure{fmt.Errorf("%s: %d left out, and with --strict nothing is written", file.Name, left)}
	}
	if f.to != "" {
		return atomicfile.Write(f.to, result.CSV, 0o644)
	}
	_, err = cmd.OutOrStdout().Write(result.CSV)
	return err
}

// complete checks the flags, and makes options of them.
func (f *importFlags) complete() error {
	switch {
	case f.from == "":
		return errors.New("--from is missing, expected the file that the CMDB exported")
	case f.options.SkipRows < 0:
		return fmt.Errorf("--skip-rows %d is negative, expected the rows before the names of the columns", f.options.SkipRows)
	case f.options.Encoding != "" && f.options.Encoding != cmdbexport.EncodingGBK:
		return fmt.Errorf("--encoding %q is not known, expected gbk, or none for UTF-8", f.options.Encoding)
	}
	for _, name := range importFields {
		if value := *f.fields[name]; value != "" {
			f.options.Fields = append(f.options.Fields, cmdbexport.Field{Name: name, Value: value})
		}
	}
	for _, label := range f.labels {
		key, value, ok := strings.Cut(label, "=")
		if !ok || key == "" || value == "" {
			return fmt.Errorf("--label %q is no label, expected KEY=COLUMN or KEY==TEXT", label)
		}
		f.options.Fields = append(f.options.Fields, cmdbexport.Field{Name: "label." + key, Value: value})
	}
	var problems strict.Problems
	for _, name := range f.names {
		if file, ok := readRaw(name, &problems); ok {
			f.options.Names = append(f.options.Names, file)
		}
	}
	return problems.Err()
}

// readExport reads the export. It can be in another encoding than UTF-8.
func readExport(name string, stdin io.Reader) (strict.File, error) {
	var problems strict.Problems
	if name != "-" {
		file, _ := readRaw(name, &problems)
		return file, problems.Err()
	}
	data, err := io.ReadAll(io.LimitReader(stdin, strict.MaxFileSize+1))
	if err == nil && len(data) > strict.MaxFileSize {
		err = fmt.Errorf("is larger than %d MiB", strict.MaxFileSize>>20)
	}
	if err == nil && len(data) == 0 {
		err = errors.New("is empty, expected an export")
	}
	if err != nil {
		return strict.File{}, failure{fmt.Errorf("standard input: %w", err)}
	}
	return strict.File{Name: "stdin", Data: data}, nil
}

// readRaw reads a file that need not be text.
func readRaw(name string, problems *strict.Problems) (strict.File, bool) {
	info, err := os.Stat(name)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > strict.MaxFileSize || info.Size() == 0) {
		return strict.ReadFile(name, problems) // which says what is wrong
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return strict.ReadFile(name, problems)
	}
	return strict.File{Name: name, Data: data}, true
}

// importReport is what `setctl import` says on standard error.
type importReport struct {
	From string `json:"from"`
	cmdbexport.Result
}

// mostGroups bounds the reasons that are printed.
const mostGroups = 20

// text writes the report for people.
func (r importReport) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s from %s\n", r.From, cmdbexport.Count(r.Entries, "entry"), cmdbexport.Count(r.Rows, "row"))
	for _, part := range []struct {
		title string
		list  []cmdbexport.Group
	}{{"left out", r.LeftOut}, {"note", r.Notes}} {
		for n, group := range part.list {
			if n == mostGroups {
				fmt.Fprintf(w, "%s: and %d more reasons; -o json has all\n", part.title, len(part.list)-mostGroups)
				break
			}
			fmt.Fprintf(w, "%s: %s: %s\n", part.title, cmdbexport.Count(group.Count, group.Noun), group.Reason)
			for _, example := range group.Examples {
				fmt.Fprintf(w, "    %s\n", example)
			}
		}
	}
}
