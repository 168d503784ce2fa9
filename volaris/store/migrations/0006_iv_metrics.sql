-- Volatility figures by symbol and day, which stay: the latest is the last day's. Volatilities are a year's, 0.2 is 20 %.
CREATE TABLE iv_metrics (
    symbol        text             NOT NULL CHECK (symbol <> ''),
    day           date             NOT NULL,
    computed_at   timestamptz      NOT NULL,
    source        text             NOT NULL,
    spot          double precision NOT NULL CHECK (spot > 0 AND spot < 'Infinity'),
    contracts     integer          NOT NULL CHECK (contracts >= 0),  -- with an implied volatility
    iv30          double precision,  -- constant maturity of 30 days, in the manner of the VIX
    atm_iv        double precision,  -- at the money, of the expiration nearest to 30 days
    skew_25d      double precision,  -- put less call at a delta of 25 %, of the same expiration
    iv_rank       double precision,  -- 0 to 100; NULL where iv_days are too few
    iv_percentile double precision,  -- 0 to 100; NULL where iv_days are too few
    iv_days       integer          NOT NULL CHECK (iv_days >= 0),  -- days of history that the two above rest on
    close_to_close_10 double precision, close_to_close_20 double precision, close_to_close_60 double precision,
    parkinson_10      double precision, parkinson_20      double precision, parkinson_60      double precision,
    garman_klass_10   double precision, garman_klass_20   double precision, garman_klass_60   double precision,
    rogers_satchell_10 double precision, rogers_satchell_20 double precision, rogers_satchell_60 double precision,
    yang_zhang_10     double precision, yang_zhang_20     double precision, yang_zhang_60     double precision,
    PRIMARY KEY (symbol, day)
);

-- The term structure of the same figures: of the latest run only, one row an expiration.
CREATE TABLE iv_terms (
    symbol     text             NOT NULL CHECK (symbol <> ''),
    expiration date             NOT NULL,
    years      double precision NOT NULL CHECK (years > 0),
    forward    double precision,  -- from put-call parity
    atm_iv     double precision,
    skew_25d   double precision,
    contracts  integer          NOT NULL CHECK (contracts >= 0),  -- with an implied volatility
    PRIMARY KEY (symbol, expiration)
);
