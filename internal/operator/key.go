package operator

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

type keyView struct {
	ID        estate.KeyID `json:"kid"`
	Algorithm string       `json:"alg"`
	CreatedAt time.Time    `json:"createdAt"`
	SignsFrom time.Time    `json:"signsFrom"`
	SignsTo   *time.Time   `json:"signsTo,omitempty"`
}

func viewKey(k credential.SigningKey) keyView {
	v := keyView{ID: k.ID, Algorithm: k.Algorithm, CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom}
	if !k.SignsTo.IsZero() {
		v.SignsTo = &k.SignsTo
	}
	return v
}

func keyCommand(with with) *cobra.Command {
	headers := []string{"KEY ID", "ALGORITHM", "CREATED", "SIGNS FROM", "SIGNS TO"}
	row := func(v keyView) []string {
		until := ""
		if v.SignsTo != nil {
			until = v.SignsTo.Format(time.RFC3339)
		}
		return []string{string(v.ID), v.Algorithm, v.CreatedAt.Format(time.RFC3339), v.SignsFrom.Format(time.RFC3339), until}
	}
	listAll := &cobra.Command{
		Use: "list", Short: "List the keys that sign access tokens", Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			all, err := s.Credential.SigningKeys(s.cmd.Context(), s.actor)
			return list(s, err, all, viewKey, headers, row)
		}),
	}

	var algorithm string
	var atOnce bool
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Make the next signing key, whether it is due or not",
		Long: "Make the next signing key, whether it is due or not. It is published now and signs a quarter of an hour later,\n" +
			"when every cache has it. The key before it stays published until its last token has expired.\n\n" +
			"To change the algorithm for good, set signing_algorithm in the servers' configuration: they make a key for it themselves,\n" +
			"and also replace one that is made here for another.",
		Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			key, err := s.Credential.RotateSigningKey(s.cmd.Context(), s.actor, algorithm, atOnce)
			if err != nil {
				return err
			}
			v := viewKey(key)
			return s.out.One(s.cmd, v, headers, row(v))
		}),
	}
	rotate.Flags().StringVar(&algorithm, "algorithm", "", "one of ES256, ES384 and EdDSA; default: signing_algorithm of the configuration")
	rotate.Flags().BoolVar(&atOnce, "at-once", false, "let it sign at once; services that cache the key set must fetch it again")

	var file, helper string
	rewrap := &cobra.Command{
		Use:   "rewrap",
		Short: "Seal the server's keys under another master key, while servers run",
		Long: "Seal the server's keys under another master key, in one transaction, while servers run.\n\n" +
			"Running servers have the keys open and go on. Put the new file in the place of the old one, or change key_file or\n" +
			"key_command of their configuration, before they next start: the old master key opens nothing any more. Until\n" +
			"then they make no new signing keys.",
		Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			if (file == "") == (helper == "") {
				return errors.New("give one of --new-key-file and --new-key-command")
			}
			n, err := s.RewrapKeys(s.cmd.Context(), s.actor, file, strings.Fields(helper))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.cmd.ErrOrStderr(), counted(n, "key"), "sealed anew")
			return err
		}),
	}
	rewrap.Flags().StringVar(&file, "new-key-file", "", "file of the new master key; made if it is missing")
	rewrap.Flags().StringVar(&helper, "new-key-command", "", "command whose output is the new master key; see key_command of the configuration")
	return group("key", "The server's own keys", listAll, rotate, rewrap)
}
