# Completion for bash of ratls, ratls-certtool and ratls-agent. bash 4 or later; needs nothing else.
# shellcheck shell=bash

# Sets `cur` and `prev` of the caller. Bash splits words at = and :, so "--as=ima" is three words.
_ratls_current() {
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
}

_ratls_words() {
    mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

_ratls_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_ratls_directories() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$1")
}

# KIND:FILE. The word that is completed begins behind the colon.
_ratls_trust_root() {
    if [[ $cur == ":" ]]; then
        _ratls_files ""
    elif [[ $prev == ":" ]]; then
        _ratls_files "$cur"
    else
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W "snp: tdx: sgx: tpm:" -- "$cur")
    fi
}

# Keys of the sets in the cache.
_ratls_keys() {
    command ratls collateral list 2> /dev/null | grep -v '^ '
}

_ratls() {
    local cur prev word command="" sub="" i
    COMPREPLY=()
    _ratls_current
    for ((i = 1; i < COMP_CWORD; ++i)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -* ]]; then
            continue
        elif [[ -z $command ]]; then
            command=$word
        elif [[ -z $sub ]]; then
            sub=$word
        fi
    done

    local verifying="--snapshot --snapshot-key --snapshot-name --state --policy --endorsements
        --trust-root --at-time --require-fresh --log --resolve --offline --evidence-only --json --help"
    local options
    case $command in
        "") options="--help --version verify monitor show pin snapshot policy collateral explain" ;;
        verify)
            options="$verifying --evidence --nonce --signature --ak --pcrs --tpm-quote --td-quote"
            ;;
        monitor) options="$verifying --every --times" ;;
        show) options="--as --json --help" ;;
        pin) options="$verifying --format" ;;
        snapshot)
            case $sub in
                take)
                    options="$verifying --out --name --sequence --image --valid-days --require
                        --kernel-hashes --force"
                    ;;
                build)
                    options="--out --name --sequence --image --valid-days --valid-from --require
                        --exclude --digest --jobs --no-usr-merge --force --help"
                    ;;
                import)
                    options="--from --out --name --sequence --image --valid-days --valid-from
                        --require --skip-invalid --sha1 --force --help"
                    ;;
                merge) options="--out --name --sequence --force --help" ;;
                diff | show) options="--json --help" ;;
                verify) options="--key --json --help" ;;
                sign) options="--key --out --help" ;;
                *) options="build take import merge diff show verify sign --help" ;;
            esac
            ;;
        policy)
            case $sub in
                show) options="default no-crl aws-snp --help" ;;
                check) options="--help" ;;
                *) options="show check --help" ;;
            esac
            ;;
        collateral)
            case $sub in
                fetch)
                    options="--evidence --product --kds --tee --fmspc --ca --pcs --out --ca-file
                        --max-wait --offline --refresh --json --help"
                    ;;
                list) options="--json --help" ;;
                export) options="$(_ratls_keys) --out --json --help" ;;
                *) options="fetch list export --help" ;;
            esac
            ;;
        explain) options="--help $(command ratls explain 2> /dev/null)" ;;
        *) return ;;
    esac

    if [[ ($cur == ":" && ${COMP_WORDS[COMP_CWORD - 2]} == "--trust-root") ||
        ($prev == ":" && ${COMP_WORDS[COMP_CWORD - 3]} == "--trust-root") ]]; then
        _ratls_trust_root
        return
    fi
    case $command:$sub:$prev in
        collateral:*:--out)
            _ratls_directories "$cur"
            return
            ;;
        snapshot:import:--from)
            _ratls_words "$cur" "cosmian keylime"
            return
            ;;
        snapshot:build:--digest)
            _ratls_words "$cur" "sha256 sha384 sha512"
            return
            ;;
        collateral:*:--evidence)
            _ratls_words "$cur" "snp tdx sgx"
            return
            ;;
    esac
    case $prev in
        --snapshot | --snapshot-key | --endorsements | --log | --signature | --ak | --pcrs | \
            --tpm-quote | --td-quote | --out | --key | --require | --ca-file)
            _ratls_files "$cur"
            return
            ;;
        --state)
            _ratls_directories "$cur"
            return
            ;;
        --policy)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -W "default no-crl aws-snp" -f -- "$cur")
            return
            ;;
        --trust-root)
            _ratls_trust_root
            return
            ;;
        --require-fresh)
            _ratls_words "$cur" "0 1 2 3"
            return
            ;;
        --evidence)
            _ratls_words "$cur" "snp tdx sgx tpm hcl"
            return
            ;;
        --as)
            _ratls_words "$cur" "ima eventlog ccel snp tdx sgx hcl tpm cert snapshot"
            return
            ;;
        --format)
            _ratls_words "$cur" "curl chromium firefox tlsa known-hosts"
            return
            ;;
        --product)
            _ratls_words "$cur" "Milan Genoa Turin"
            return
            ;;
        --tee)
            _ratls_words "$cur" "tdx sgx"
            return
            ;;
        --ca)
            _ratls_words "$cur" "platform processor"
            return
            ;;
        --at-time | --nonce | --resolve | --name | --sequence | --valid-days | --kds | --pcs | \
            --fmspc | --max-wait)
            return
            ;;
    esac

    case $command:$sub in
        verify:* | show:* | snapshot:build | snapshot:sign | policy:check | collateral:fetch)
            if [[ $cur != -* ]]; then
                _ratls_files "$cur"
                return
            fi
            ;;
    esac
    _ratls_words "$cur" "$options"
}

_ratls_certtool() {
    local cur prev
    COMPREPLY=()
    _ratls_current
    case $prev in
        --out | --key | --ima-log | --boot-log | --ccel | --vek | --ask | --amd-crl | \
            --ak-certificate)
            _ratls_files "$cur"
            return
            ;;
        --tsm | --collateral)
            _ratls_directories "$cur"
            return
            ;;
        --max-fresh)
            _ratls_words "$cur" "0 1 2 3"
            return
            ;;
        --ak-type)
            _ratls_words "$cur" "ecc rsa gce-ecc gce-rsa"
            return
            ;;
        --name | --valid-minutes | --tcti | --ak-handle) return ;;
    esac
    case ${COMP_WORDS[1]} in
        issue)
            _ratls_words "$cur" "--name --out --key --valid-minutes --max-fresh --tcti --ak-type
                --ak-handle --ak-certificate --tsm
                --ima-log --boot-log --ccel --vek --ask --amd-crl --collateral --json --help"
            ;;
        show)
            if [[ $cur == -* ]]; then
                _ratls_words "$cur" "--json --help"
            else
                _ratls_files "$cur"
            fi
            ;;
        *) _ratls_words "$cur" "issue show --help --version" ;;
    esac
}

_ratls_agent() {
    local cur prev
    COMPREPLY=()
    _ratls_current
    if [[ $prev == "--config" ]]; then
        _ratls_files "$cur"
    else
        _ratls_words "$cur" "--config --check --help --version"
    fi
}

complete -F _ratls ratls
complete -F _ratls_certtool ratls-certtool
complete -F _ratls_agent ratls-agent
