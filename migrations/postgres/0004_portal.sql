-- People who sign in at the portal. Those of `members`, which was made for one tenant a person and never used, are taken over.
CREATE TABLE users (
    id UUID PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Null: signs in otherwise.
    password_hash TEXT,
    operator BOOLEAN NOT NULL DEFAULT FALSE,
    -- Wrong passwords since the last right one, and until when none is looked at.
    failures BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT
);

CREATE TABLE memberships (
    tenant UUID NOT NULL REFERENCES tenants (id),
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

INSERT INTO users (id, email, name, password_hash, created_at)
SELECT gen_random_uuid(), lower(email), '', CASE WHEN count(DISTINCT password_hash) = 1 THEN min(password_hash) END, min(created_at) FROM members GROUP BY lower(email);
INSERT INTO memberships (tenant, user_id, role, created_at)
SELECT members.tenant, users.id, max(members.role), min(members.created_at)
FROM members JOIN users ON users.email = lower(members.email)
GROUP BY members.tenant, users.id;

-- Who the person is for an identity provider.
CREATE TABLE identities (
    issuer TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE sessions (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expired ON sessions (expires_at);

CREATE TABLE invitations (
    id UUID PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    tenant UUID NOT NULL REFERENCES tenants (id),
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    invited_by UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_tenant ON invitations (tenant);

-- Links that sign a person in once.
CREATE TABLE sign_in_links (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
