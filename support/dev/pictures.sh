# ./dev pictures: the screenshots in docs/, of the live page and of `tidegate top`, at private
# meshes that are made for them. Sourced by dev.

command_pictures() {
  (($# == 0)) || refuse "pictures takes nothing; it writes docs/top.svg and docs/pictures/"
  build_client_tests
  mkdir -p docs/pictures
  TIDEGATE_PICTURES=$PWD/docs/pictures \
    run build/tests/tidegate-client-tests '--test-case=the live page shows*'
  # The documents show the others.
  rm docs/pictures/{well-dark,well-phone,paused-wide}.png
  run support/dev/top_picture.sh
  ls -l docs/top.svg docs/pictures
}
