#!/usr/bin/env bash
# Deploys a zip of the function to AWS with everything around it, through CloudFormation.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: deploy.sh [create] [OPTION…]    create it, or bring it up to the zip and the options
       deploy.sh delete [OPTION…]      delete it; buckets with documents stay

  --zip FILE              the zip of the function [default: CELL.zip, here or where `build-matrix package` puts it]
  --cell CELL             the variant [default: mupdf-musl-static-arm64-system]
  --arch arm64|x86_64     its architecture [default: what the zip is for]
  --stack NAME            of stack and function [default: pdf2img]
  --region REGION         [default: AWS_REGION, or the aws command's]
  --event-source SOURCE   s3, sqs or eventbridge
  --memory MB             1769 is one CPU, 3538 two
  --input-bucket NAME     the bucket to make for PDFs [default: STACK-in-ACCOUNT-REGION]
  --output-bucket NAME    the bucket to make for images [default: STACK-out-ACCOUNT-REGION]
  --parameter NAME=VALUE  another parameter of the template, such as Dpi=300; may be repeated
  --dry-run               print the commands and run none
  --with-buckets          delete: the buckets too, with everything in them
  --yes                   delete: do not ask

What is not given stays as it was, or is the template's default. Credentials are those of the aws command.
TEXT
}

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

main() {
    local action=create
    zip='' cell='' arch='' stack=pdf2img region='' event_source='' memory='' input_bucket='' output_bucket=''
    scratch='' template=$HERE/sam/template.yaml dry_run='' with_buckets='' yes='' resources='' parameters=()
    case "${1:-}" in
        create | delete) action=$1; shift ;;
    esac
    while [ $# -gt 0 ]; do
        case "$1" in
            --dry-run) dry_run=1; shift; continue ;;
            --with-buckets) with_buckets=1; shift; continue ;;
            --yes) yes=1; shift; continue ;;
            -h | --help) usage; return ;;
            --*) [ $# -ge 2 ] || die "$1 needs a value; --help lists the options" ;;
        esac
        case "$1" in
            --zip) zip=$2 ;;
            --cell) cell=$2 ;;
            --arch) arch=$2 ;;
            --stack) stack=$2 ;;
            --region) region=$2 ;;
            --event-source) event_source=$2 ;;
            --memory) memory=$2 ;;
            --input-bucket) input_bucket=$2 ;;
            --output-bucket) output_bucket=$2 ;;
            --parameter) parameters+=("$2") ;;
            *) usage >&2; die "unknown argument: $1" ;;
        esac
        shift 2
    done
    check_options
    "$action"
}

check_options() {
    local parameter
    # Names of buckets are made of it, and they know no capitals.
    [[ $stack =~ ^[a-z][a-z0-9-]{0,31}$ ]] ||
        die "--stack $stack: at most 32 small letters, digits and hyphens, with a letter in front"
    case "$event_source" in
        "" | s3 | sqs | eventbridge) ;;
        *) die "--event-source $event_source: choose s3, sqs or eventbridge" ;;
    esac
    case "$arch" in
        "" | arm64 | x86_64) ;;
        amd64) arch=x86_64 ;;
        *) die "--arch $arch: choose arm64 or x86_64" ;;
    esac
    [ -z "$zip" ] || [ -z "$cell" ] || die "--zip and --cell: give one of them"
    [[ $memory =~ ^[0-9]*$ ]] || die "--memory $memory: a number of megabytes from 128 to 10240"
    for parameter in ${parameters[@]+"${parameters[@]}"}; do
        [[ $parameter == *=* ]] || die "--parameter $parameter: write NAME=VALUE"
    done
}

create() {
    local status
    find_zip
    find_arch
    [ -f "$template" ] || die "there is no template $template"
    connect

    status=$(stack_status)
    case "$status" in
        ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
            die "the stack $stack is $status, which CloudFormation cannot update. Delete it first: $0 delete --stack $stack" ;;
        *_IN_PROGRESS) die "the stack $stack is $status: wait until that is over" ;;
    esac
    # Of a stack that is there, a bucket that is not named stays as it is.
    if [ -z "$status" ]; then
        : "${input_bucket:=$stack-in-$account-$region}" "${output_bucket:=$stack-out-$account-$region}"
    fi

    say "Uploading $zip to s3://$code_bucket"
    if [ -n "$dry_run" ]; then
        scratch=pdf2img-deploy
        run mkdir "$scratch"
    else
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
    fi
    # The template names the zip as function.zip beside itself.
    run cp "$template" "$scratch/template.yaml"
    run cp "$zip" "$scratch/function.zip"
    if [ -n "$dry_run" ] || ! aws s3api head-bucket --bucket "$code_bucket" >/dev/null 2>&1; then
        run aws s3 mb "s3://$code_bucket"
    fi
    run aws cloudformation package --template-file "$scratch/template.yaml" \
        --s3-bucket "$code_bucket" --output-template-file "$scratch/packaged.yaml" >/dev/null

    say "$([ -n "$status" ] && echo Updating || echo Creating) the stack $stack in $region"
    local values=("Architecture=$arch")
    [ -z "$input_bucket" ] || values+=("InputBucketName=$input_bucket")
    [ -z "$output_bucket" ] || values+=("OutputBucketName=$output_bucket")
    [ -z "$event_source" ] || values+=("EventSource=$event_source")
    [ -z "$memory" ] || values+=("MemorySize=$memory")
    # An empty array is an error to the bash of macOS.
    [ ${#parameters[@]} -eq 0 ] || values+=("${parameters[@]}")
    run aws cloudformation deploy --template-file "$scratch/packaged.yaml" --stack-name "$stack" \
        --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \
        --parameter-overrides "${values[@]}" ||
        die "CloudFormation did not take it. What went wrong: aws cloudformation describe-stack-events --stack-name $stack --region $region"
    [ -z "$dry_run" ] || return 0

    resources=$(stack_resources)
    cat <<TEXT

The stack $stack is there, in $region, account $account:
  function        $(resource Function), $arch
  PDFs go into    s3://$(resource InputBucket)
  images come to  s3://$(resource OutputBucket)
  failures go to  $(resource Failures)
  log             $(resource LogGroup)

All that belongs to it:
$(awk -F '\t' 'NF == 3 && $3 != "" { printf "  %-31s %s\n", $3, $2 }' <<<"$resources" | sort)
  and the zip in s3://$code_bucket

Try it:
  aws s3 cp report.pdf s3://$(resource InputBucket)/inbox/ --region $region
  aws s3 ls --recursive s3://$(resource OutputBucket)/inbox/ --region $region
TEXT
}

delete() {
    local status bucket buckets=()
    connect
    if [ -n "$dry_run" ]; then
        buckets=("${input_bucket:-$stack-in-$account-$region}" "${output_bucket:-$stack-out-$account-$region}")
    else
        status=$(stack_status)
        [ -n "$status" ] || die "there is no stack $stack in $region, account $account"
        resources=$(stack_resources)
        for bucket in "$(resource InputBucket)" "$(resource OutputBucket)"; do
            # A stack that has failed may have none.
            [ -z "$bucket" ] || buckets+=("$bucket")
        done
    fi
    if [ -z "$yes$dry_run" ]; then
        confirm "${buckets[*]-}"
    fi

    say "Deleting the stack $stack in $region"
    run aws cloudformation delete-stack --stack-name "$stack"
    run aws cloudformation wait stack-delete-complete --stack-name "$stack" ||
        die "the stack could not be deleted. What went wrong: aws cloudformation describe-stack-events --stack-name $stack --region $region"
    # It holds nothing but uploaded zips.
    if [ -n "$dry_run" ] || aws s3api head-bucket --bucket "$code_bucket" >/dev/null 2>&1; then
        run aws s3 rb --force "s3://$code_bucket"
    fi
    for bucket in ${buckets[@]+"${buckets[@]}"}; do
        if [ -n "$with_buckets" ]; then
            run aws s3 rb --force "s3://$bucket" ||
                die "s3://$bucket could not be deleted; one that keeps versions has to be emptied in the console first"
        else
            say "s3://$bucket stays, with what is in it. To delete it: aws s3 rb --force s3://$bucket --region $region"
        fi
    done
}

confirm() {
    local answer
    if [ -n "$with_buckets" ]; then
        echo "This deletes the stack $stack in $region, account $account, and ALL DOCUMENTS in: $1" >&2
    else
        echo "This deletes the stack $stack in $region, account $account, its queues with what is in them, and its log." >&2
    fi
    read -r -p "Type $stack to go on: " answer || true
    [ "$answer" = "$stack" ] || die "nothing was deleted"
}

# Sets zip.
find_zip() {
    local dist
    if [ -z "$zip" ]; then
        : "${cell:=mupdf-musl-static-arm64-system}"
        dist=${CARGO_TARGET_DIR:-$HERE/../target}/matrix/dist
        for zip in "$cell.zip" "$dist/$cell.zip"; do
            [ ! -f "$zip" ] || break
        done
        [ -f "$zip" ] || die "there is no $cell.zip here or in $dist. Download one from a release, or make it:

    cargo run -p build-matrix -- build $cell
    cargo run -p build-matrix -- package $cell"
    fi
    [ -f "$zip" ] || die "--zip $zip: there is no such file"
}

# Sets arch to what the zip is for, and refuses another: Lambda would say so at the first event only.
find_arch() {
    local named='' built
    case "$(basename "$zip" .zip)" in
        *-arm64-*) named=arm64 ;;
        *-amd64-*) named=x86_64 ;;
    esac
    [ -z "$arch" ] || [ -z "$named" ] || [ "$arch" = "$named" ] ||
        die "--arch $arch, but $zip is named as one for $named"
    # The machine is a number in the executable's header.
    built=$(first_bytes | od -An -t u2 -j 18 -N 2 2>/dev/null | tr -d ' ') || true
    case "$built" in
        62) built=x86_64 ;;
        183) built=arm64 ;;
        *) die "$zip has no executable \`bootstrap\` for Lambda at its root; if it is the command's archive, take CELL.zip instead" ;;
    esac
    [ "$built" = "${arch:-$built}" ] || die "--arch $arch, but bootstrap in $zip is for $built"
    [ "$built" = "${named:-$built}" ] || die "$zip is named as one for $named, but its bootstrap is for $built"
    arch=$built
}

first_bytes() {
    if command -v python3 >/dev/null; then
        python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).open("bootstrap").read(64))' \
            "$zip" 2>/dev/null || true
    elif command -v unzip >/dev/null; then
        unzip -p "$zip" bootstrap 2>/dev/null | head -c 64 || true
    else
        die "python3 or unzip is needed, to look into $zip"
    fi
}

# Sets region, account and code_bucket.
connect() {
    if [ -n "$dry_run" ]; then
        region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-REGION}}}
        account=ACCOUNT
    else
        command -v aws >/dev/null ||
            die "the aws command is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
        [ -n "$region" ] || die "no region: give --region, or set AWS_REGION"
        export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER=
        account=$(aws sts get-caller-identity --query Account --output text 2>&1) ||
            die "AWS does not know you; sign in with \`aws configure\` or \`aws sso login\`. It said: $(tail -n 1 <<<"$account")"
    fi
    code_bucket=$stack-code-$account-$region
}

# The status of the stack; nothing if there is none.
stack_status() {
    local answer
    [ -z "$dry_run" ] || return 0
    if answer=$(aws cloudformation describe-stacks --stack-name "$stack" \
        --query 'Stacks[0].StackStatus' --output text 2>&1); then
        echo "$answer"
    elif [[ $answer != *"does not exist"* ]]; then
        die "CloudFormation does not tell of the stack $stack: $(tail -n 1 <<<"$answer")"
    fi
}

# Name in the template, identifier and kind of each resource of the stack, with tabs between.
stack_resources() {
    aws cloudformation list-stack-resources --stack-name "$stack" --output text \
        --query 'StackResourceSummaries[].[LogicalResourceId, PhysicalResourceId, ResourceType]'
}

# The identifier of the one that has this name in the template.
resource() {
    awk -F '\t' -v name="$1" '$1 == name { print $2 }' <<<"$resources"
}

# Runs a command, or prints it so that a shell would take it.
run() {
    if [ -z "$dry_run" ]; then
        "$@"
        return
    fi
    local quoted
    printf -v quoted '%q ' "$@"
    [ "$1" != aws ] || quoted+="--region $region"
    # Not to standard output, which a caller may have closed.
    echo "${quoted% }" >&3
}

say() {
    if [ -n "$dry_run" ]; then echo "# $*" >&3; else echo "deploy: $*"; fi
}

die() {
    echo "deploy: $*" >&2
    exit 1
}

exec 3>&1
main "$@"
