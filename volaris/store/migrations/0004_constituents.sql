-- The members of the S&P 500, past ones too: who leaves is marked.
CREATE TABLE constituents (
    symbol  text PRIMARY KEY CHECK (symbol <> ''),
    name    text NOT NULL CHECK (name <> ''),
    sector  text,
    since   date,
    left_at timestamptz  -- when the job that found the symbol gone ran; NULL for a member
);
